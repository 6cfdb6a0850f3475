/** On which line of a JSON text the value of a pointer begins, so that a fault stands where its author looks. */

/** Line from 1; that of the nearest value above where the text has no such place. The text must be JSON. */
export function lineOf(text: string, pointer: string): number {
  const wanted = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const reader = new Reader(text, wanted);
  reader.value(0);
  return text.slice(0, reader.found).split('\n').length;
}

class Reader {
  found = 0;
  private at = 0;
  private readonly text: string;
  private readonly wanted: readonly string[];

  constructor(text: string, wanted: readonly string[]) {
    this.text = text;
    this.wanted = wanted;
  }

  /** `depth`: how much of the pointer leads here; -1 where it leads elsewhere. */
  value(depth: number): void {
    this.space();
    if (depth >= 0) this.found = this.at;
    const sign = this.text[this.at];
    if (sign === '{') this.members(depth, '}');
    else if (sign === '[') this.members(depth, ']');
    else if (sign === '"') this.string();
    else while (this.at < this.text.length && !/[\s,\]}]/.test(this.text[this.at]!)) this.at++;
  }

  private members(depth: number, end: '}' | ']'): void {
    this.at++;
    for (let index = 0; this.at < this.text.length; index++) {
      this.space();
      if (this.text[this.at] === end) break;
      let name = String(index);
      if (end === '}') {
        name = this.string();
        this.space();
        this.at++;
      }
      const leads = depth >= 0 && this.wanted[depth] === name;
      this.value(leads ? depth + 1 : -1);
      this.space();
      if (this.text[this.at] === ',') this.at++;
    }
    this.at++;
  }

  private string(): string {
    const from = this.at++;
    while (this.at < this.text.length && this.text[this.at] !== '"')
      this.at += this.text[this.at] === '\\' ? 2 : 1;
    this.at++;
    return JSON.parse(this.text.slice(from, this.at)) as string;
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
}
