/** Waits until a check holds, looking again after each turn of the timers; fails with the check's own error after `withinMs`. */
export async function eventually(check: () => void, withinMs = 5_000): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
