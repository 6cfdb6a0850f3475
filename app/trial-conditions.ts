/**
 * Conditions under which a test runs this process: imported first by app/main.ts, because modules ask for the pace when they are loaded.
 * These settings are refused in production (app/config.ts).
 */
import { shiftClock } from '../domain/clock.ts';
import { armMark, disarmMark, MARKS, type Mark } from '../domain/marks.ts';
import { setPace } from '../domain/pace.ts';

const { ALLIM_ENV, ALLIM_PACE, ALLIM_MARK, ALLIM_CLOCK_SHIFT } = process.env;

// What is wrong with them is said by the configuration, together with everything else.
const pace = Number(ALLIM_PACE ?? 1);
if (pace > 0 && pace < 1 && ALLIM_ENV !== 'production') setPace(pace);

const shiftMs = Number(ALLIM_CLOCK_SHIFT ?? 0);
if (Number.isSafeInteger(shiftMs) && ALLIM_ENV !== 'production') shiftClock(shiftMs);

/** `kill plan:committed 2`: how, where, and the how-manieth time. */
function arm(text: string): void {
  const armed = /^(kill|stop) ([a-z:-]+) ([1-9]\d{0,6})$/.exec(text);
  if (armed === null) return;
  const [, how, name, nth] = armed as unknown as [string, 'kill' | 'stop', Mark, string];
  if (MARKS.includes(name))
    armMark(name, Number(nth), () => process.kill(process.pid, how === 'kill' ? 'SIGKILL' : 'SIGSTOP'));
}

if (ALLIM_ENV !== 'production') {
  arm(ALLIM_MARK ?? '');
  // A test that started this process may say it while it runs. Where nobody did there is no channel, and nothing is heard.
  process.on('message', (said: { readonly mark?: unknown }) => {
    if (typeof said.mark === 'string') arm(said.mark);
    else disarmMark();
  });
  process.channel?.unref();
}
