/**
 * How long a text is for Korean carriers: one byte for ASCII, two for what KS X 1001 (EUC-KR) or its extension CP949 holds.
 * 90 bytes are an SMS, 2,000 an LMS. What neither holds arrives as a question mark, so it is named instead of counted.
 */
export const SMS_BYTES = 90;
export const LMS_BYTES = 2_000;

export type SmsMeasure = {
  readonly bytes: number;
  /** 'sms' up to 90 bytes, 'lms' up to 2,000, else 'too long'. */
  readonly kind: 'sms' | 'lms' | 'too long';
  /** Characters that not even CP949 holds, each once, as `“—” U+2014`: they would be lost. */
  readonly lost: readonly string[];
  /** Characters only CP949 holds (뷁, 햏): older gateways speak plain EUC-KR and lose them. */
  readonly extended: readonly string[];
};

let table: ReadonlySet<number> | undefined;

/** KS X 1001. The runtime can only decode, so the table is turned round once: 8,836 pairs, 10 ms, when it is first needed. */
function eucKr(): ReadonlySet<number> {
  if (table) return table;
  const decoder = new TextDecoder('euc-kr');
  const codes = new Set<number>();
  for (let lead = 0xa1; lead <= 0xfe; lead++) {
    for (let trail = 0xa1; trail <= 0xfe; trail++) {
      const text = decoder.decode(Uint8Array.of(lead, trail));
      if (text.length === 1 && text !== '\ufffd') codes.add(text.charCodeAt(0));
    }
  }
  table = codes;
  return codes;
}

/** What CP949 adds to KS X 1001 is exactly the Hangul syllables that it lacks. */
function isSyllable(code: number): boolean {
  return code >= 0xac00 && code <= 0xd7a3;
}

function nameOf(character: string): string {
  return `“${character}” U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Bytes in EUC-KR/CP949; a lost character counts as the two bytes of its stand-in. */
export function measureSms(text: string): SmsMeasure {
  const held = eucKr();
  const lost = new Set<string>();
  const extended = new Set<string>();
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) {
      bytes += 1;
      continue;
    }
    bytes += 2;
    if (held.has(code)) continue;
    (isSyllable(code) ? extended : lost).add(nameOf(character));
  }
  return {
    bytes,
    kind: bytes <= SMS_BYTES ? 'sms' : bytes <= LMS_BYTES ? 'lms' : 'too long',
    lost: [...lost],
    extended: [...extended],
  };
}

export function smsBytes(text: string): number {
  return measureSms(text).bytes;
}
