/**
 * A file of sections: a header that says what it is, then what it holds, piece by piece, each with a CRC-32 over its number, its length
 * and its bytes. Written to a temporary name beside, synced, renamed, and the folder synced: whoever opens a file under its name finds
 * the whole of it or a disk that lies, and then `snapshot-invalid`. Memory is one section at a time; between two the event loop turns.
 *
 *   ALLIMSNP | u32 version | u32 length of the header | the header as JSON | u32 CRC of all before | section … | end of file
 *   section: u32 number from 0 | u32 length | u32 CRC of number, length and bytes | bytes, sealed where the header names a key
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { AllimError } from '../../domain/errors.ts';
import { mark } from '../../domain/marks.ts';
import type { Sealer } from '../../domain/sealing.ts';

const MAGIC = Buffer.from('ALLIMSNP');
export const FORMAT = 2;
const FRAME = 12;
const HEAD = MAGIC.length + 8;
const MAX_HEADER = 65_536;
/** Far above what any section has: what a flipped length may make us ask for. */
const MAX_SECTION = 2 ** 28;
export const TEMPORARY = '.tmp';

export function invalid(why: string): AllimError {
  return new AllimError('snapshot-invalid', why);
}

/** Binds a section to its place in this very file: none can be taken from another shard, or another day. */
const purposeOf = (header: Uint8Array, number: number): string =>
  `snapshot/${createHash('sha256').update(header).digest('hex')}/${number}`;

function frameOf(number: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME);
  frame.writeUInt32LE(number, 0);
  frame.writeUInt32LE(bytes.length, 4);
  frame.writeUInt32LE(crc32(bytes, crc32(frame.subarray(0, 8))), 8);
  return frame;
}

function headOf(header: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD + header.length + 4);
  MAGIC.copy(head);
  head.writeUInt32LE(FORMAT, MAGIC.length);
  head.writeUInt32LE(header.length, MAGIC.length + 4);
  head.set(header, HEAD);
  head.writeUInt32LE(crc32(head.subarray(0, -4)), head.length - 4);
  return head;
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts)
    for (let at = 0; at < part.length; ) at += (await file.write(part, at, part.length - at)).bytesWritten;
}

/** Without it the name may be lost with the power though the bytes are not. Windows opens no folders and needs it not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file. `written` is called when its bytes are with the operating system: what they were read from may change again. Where
 * anything fails, or `signal` aborts, no file stays. Returns its length.
 */
export async function writeSections(
  target: string,
  header: Readonly<Record<string, unknown>>,
  sections: Iterable<Uint8Array>,
  options: { readonly sealer: Sealer | null; readonly signal: AbortSignal; written(): void },
): Promise<number> {
  const { sealer, signal, written } = options;
  const temporary = `${target}.${randomUUID()}${TEMPORARY}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    const head = Buffer.from(JSON.stringify({ ...header, key: sealer?.keyId ?? null }));
    await writeAll(file, [headOf(head)]);
    let bytes = HEAD + head.length + 4;
    let number = 0;
    for (const plain of sections) {
      signal.throwIfAborted();
      const section = sealer?.seal(purposeOf(head, number), plain) ?? plain;
      await writeAll(file, [frameOf(number++, section), section]);
      bytes += FRAME + section.length;
    }
    mark('snapshot:written');
    written();
    await file.sync();
    await file.close();
    mark('snapshot:synced');
    signal.throwIfAborted();
    await rename(temporary, target);
    mark('snapshot:renamed');
    await syncFolder(path.dirname(target));
    return bytes;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

export type SectionsFile = {
  readonly header: Readonly<Record<string, unknown>>;
  /** The next section's plain bytes, in memory of their own and aligned for any typed array. */
  next(): Promise<Buffer>;
  /** Throws where anything is left. */
  end(): Promise<void>;
  close(): Promise<void>;
};

/** Up to so many bytes: fewer at the end of the file alone. */
async function readSome(file: FileHandle, length: number, at: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let got = 0; got < length; ) {
    const { bytesRead } = await file.read(bytes, got, length - got, at + got);
    if (bytesRead === 0) return bytes.subarray(0, got);
    got += bytesRead;
  }
  return bytes;
}

async function readExactly(file: FileHandle, length: number, at: number): Promise<Buffer> {
  const bytes = await readSome(file, length, at);
  if (bytes.length < length) throw invalid('the file ends too early');
  return bytes;
}

async function readHeader(file: FileHandle): Promise<Buffer> {
  const start = await readExactly(file, HEAD, 0);
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('it does not begin as a snapshot does');
  const version = start.readUInt32LE(MAGIC.length);
  const length = start.readUInt32LE(MAGIC.length + 4);
  if (length > MAX_HEADER) throw invalid('the header is damaged');
  const rest = await readExactly(file, length + 4, HEAD);
  if (crc32(rest.subarray(0, length), crc32(start)) !== rest.readUInt32LE(length))
    throw invalid('the header is damaged');
  if (version !== FORMAT) throw invalid(`it has format ${version}, and ${FORMAT} is read here`);
  return rest.subarray(0, length);
}

/** Reads a section and what frames the next at once, and that one already while its reader is busy with this. */
class SectionReader {
  /** Where the section begins that is read next, with its frame. */
  at: number;
  private readonly file: FileHandle;
  private number = 0;
  private ahead: { readonly frame: Buffer; readonly bytes: Promise<Buffer> } | undefined;

  constructor(file: FileHandle, at: number) {
    this.file = file;
    this.at = at;
  }

  async next(): Promise<{ readonly bytes: Buffer; readonly number: number }> {
    const { number } = this;
    const { frame, bytes } = this.ahead ?? this.begin(await readExactly(this.file, FRAME, this.at));
    const length = lengthIn(frame, number);
    const read = await bytes;
    const section = read.subarray(0, length);
    if (section.length < length) throw invalid('the file ends too early');
    if (crc32(section, crc32(frame.subarray(0, 8))) !== frame.readUInt32LE(8))
      throw invalid(`section ${number} is damaged`);
    this.at += FRAME + length;
    this.number++;
    const following = read.subarray(length);
    this.ahead = following.length === FRAME ? this.begin(following) : undefined;
    return { bytes: section, number };
  }

  private begin(frame: Buffer): { readonly frame: Buffer; readonly bytes: Promise<Buffer> } {
    const { file, at, number } = this;
    const bytes = (async () => readSome(file, lengthIn(frame, number) + FRAME, at + FRAME))();
    // Told to whoever takes the section.
    bytes.catch(() => {});
    return { frame, bytes };
  }
}

function lengthIn(frame: Buffer, number: number): number {
  const length = frame.readUInt32LE(4);
  if (frame.readUInt32LE(0) !== number || length > MAX_SECTION) throw invalid(`section ${number} is damaged`);
  return length;
}

/** Opens a file and reads its header. `snapshot-invalid` says what is wrong with it. */
export async function openSections(source: string, sealer: Sealer | null): Promise<SectionsFile> {
  const file = await open(source, 'r');
  try {
    const head = await readHeader(file);
    const header = JSON.parse(head.toString()) as Record<string, unknown>;
    const { key } = header;
    if (key !== null && (sealer === null || typeof key !== 'string' || !sealer.knows(key)))
      throw invalid('it is sealed under a key that is not here');
    const reader = new SectionReader(file, HEAD + head.length + 4);
    return {
      header,
      async next() {
        const { bytes, number } = await reader.next();
        return key === null ? bytes : unsealed(sealer!, purposeOf(head, number), bytes, number);
      },
      async end() {
        if ((await file.stat()).size !== reader.at) throw invalid('something follows its end');
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function unsealed(sealer: Sealer, purpose: string, bytes: Buffer, number: number): Buffer {
  try {
    // A copy: what was deciphered may lie anywhere in the runtime's pool.
    const plain = sealer.open(purpose, bytes);
    return Buffer.from(new Uint8Array(plain).buffer);
  } catch {
    throw invalid(`section ${number} was changed`);
  }
}
