/** Tells from its words alone what a notice at a sink is about. Written apart from the templates: it reads as a person would. */
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export type Recognised = {
  readonly kind: 'checkup' | 'checkup-corrected' | 'tax' | 'tax-corrected' | 'unknown';
  /** A tax: its amount in won. A check-up: month * 100 + day of the last day. A correction names the old one first: the last counts. */
  readonly figure: number;
};

function lastDay(text: string): number {
  const days = [
    ...text.matchAll(
      /(?<m>\d{1,2})월 (?<d>\d{1,2})일|\b(?<m2>\d{1,2})\/(?<d2>\d{1,2})|\b(?<d3>\d{1,2}) (?<m3>[A-Z][a-z]{2})|ngày (?<d4>\d{1,2}) tháng (?<m4>\d{1,2})/gu,
    ),
  ];
  const found = days.at(-1)?.groups;
  if (found === undefined) return 0;
  const month = found['m'] ?? found['m2'] ?? found['m4'];
  const day = found['d'] ?? found['d2'] ?? found['d3'] ?? found['d4'];
  // Vietnamese writes the day first: 31/12.
  if (found['m2'] !== undefined && /kham suc khoe/iu.test(text)) return Number(day) * 100 + Number(month);
  return (month === undefined ? MONTHS.indexOf(found['m3'] ?? '') + 1 : Number(month)) * 100 + Number(day);
}

export function recognise(text: string): Recognised {
  const corrected = /바뀌|변경|changed|đã đổi|đã thay đổi|da doi/iu.test(text);
  if (/재산세|property tax|thuế tài sản|thue tai san/iu.test(text)) {
    const amount = [...text.matchAll(/([\d,.]*\d)(?:원| won)/gu)].at(-1)?.[1]?.replaceAll(/[,.]/gu, '');
    return { kind: corrected ? 'tax-corrected' : 'tax', figure: Number(amount ?? 0) };
  }
  if (/건강검진|health check-up|khám sức khỏe|kham suc khoe/iu.test(text))
    return { kind: corrected ? 'checkup-corrected' : 'checkup', figure: lastDay(text) };
  return { kind: 'unknown', figure: 0 };
}
