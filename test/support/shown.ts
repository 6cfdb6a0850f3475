import type { Worker } from 'playwright-core';

/**
 * What a service worker shows of what is pushed to it, and takes down again, as it does it. To ask for what stands on the device would disturb
 * it: asked between two steps of a display, Chromium forgets what it just took.
 */
export async function watchShown(worker: Worker) {
  await worker.evaluate(`(() => {
    self.shown = [];
    self.takenDown = [];
    const show = self.registration.showNotification.bind(self.registration);
    self.registration.showNotification = async (title, options) => {
      await show(title, options);
      self.shown.push({ title, tag: options.tag });
    };
    const { close } = Notification.prototype;
    Notification.prototype.close = function () {
      self.takenDown.push(this.tag);
      close.call(this);
    };
  })()`);
  return {
    shown: () => worker.evaluate<{ title: string; tag: string }[]>('self.shown'),
    /** Their tags; only what stood on the device can be among them. */
    takenDown: () => worker.evaluate<string[]>('self.takenDown'),
  };
}
