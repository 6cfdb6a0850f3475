import { describe, expect, test } from '@jest/globals';
import { createAgencyPace, PAIRS_A_SECOND, URGENT_PAIRS } from '../../dispatcher/agency-pace.ts';

/** `pairs` at a time, `times` of them `everyMs` apart; what was said of each. */
function send(
  pace: ReturnType<typeof createAgencyPace>,
  { agency = 'nts', pairs = 1, times = 1, everyMs = 0, fromMs = 0 },
): boolean[] {
  return Array.from({ length: times }, (_, at) => pace.floods(agency, pairs, fromMs + at * everyMs));
}

describe('the pace of an agency', () => {
  test('is no flood at a steady rate within it, for however long', () => {
    const pace = createAgencyPace();
    expect(send(pace, { pairs: PAIRS_A_SECOND / 10, times: 1_000, everyMs: 100 })).not.toContain(true);
  });

  test('is a flood once it has sent more beyond its rate than may be urgent, and stays one while it goes on', () => {
    const pace = createAgencyPace();
    const said = send(pace, { pairs: 100, times: 100, everyMs: 100 });
    const first = said.indexOf(true);
    // 80 beyond its rate each time, and it is judged by what came before.
    expect(first).toBe(Math.ceil(URGENT_PAIRS / 80));
    expect(said.slice(first)).not.toContain(false);
  });

  test('lets one burst through: how much of it is urgent is counted by who plans it', () => {
    expect(send(createAgencyPace(), { pairs: 100_000 })).toEqual([false]);
  });

  test('is forgotten within seconds, however long the flood was', () => {
    const pace = createAgencyPace();
    send(pace, { pairs: 1_000, times: 600, everyMs: 1_000 });
    const overMs = 600_000;
    expect(send(pace, { fromMs: overMs })).toEqual([true]);
    expect(send(pace, { fromMs: overMs + (URGENT_PAIRS * 1_000) / PAIRS_A_SECOND + 100 })).toEqual([false]);
  });

  test('says nothing of another agency', () => {
    const pace = createAgencyPace();
    send(pace, { pairs: 1_000, times: 10, everyMs: 100 });
    expect(send(pace, { agency: 'nhis', fromMs: 1_000 })).toEqual([false]);
  });

  test('does not run backwards with the clock', () => {
    const pace = createAgencyPace();
    send(pace, { pairs: 1_000, fromMs: 3_600_000 });
    expect(send(pace, { fromMs: 0 })).toEqual([true]);
  });
});
