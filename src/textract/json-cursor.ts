const [quote, backslash, comma, colon, minus, plus, dot] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2b, 0x2e];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Walks through JSON in UTF-8 and makes values of what is asked for only. Parsing all of an answer of Textract takes four
 * times as long, most of it for numbers and objects that nobody looks at, and leaves them to be collected as garbage.
 *
 *     for (let more = json.enterObject(); more; more = json.nextMember()) {
 *       if (json.isKey("Text")) text = json.string();
 *       else json.skip();
 *     }
 *
 * `null` is read as nothing: an empty object or array, or undefined. What is skipped is only walked over: that its brackets
 * and quotes match is all that is asked of it.
 * @throws {SyntaxError} when it is not JSON, or not the kind of value that is asked for; it holds nothing of the text
 */
export class JsonCursor {
  readonly #bytes: Uint8Array;
  /** The same with one character for each byte: a piece of it costs no copy. */
  readonly #characters: string;
  #at = 0;
  #keyFrom = 0;
  #keyUntil = 0;
  #isPlain = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#characters = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  }

  /** Goes into an object. @returns whether it has a member; its key is read then */
  enterObject(): boolean {
    return this.#enter(openObject, closeObject) && this.#key();
  }

  /** Behind a member's value. @returns whether another follows; its key is read then */
  nextMember(): boolean {
    return this.#next(closeObject) && this.#key();
  }

  /** Goes into an array. @returns whether it has an element */
  enterArray(): boolean {
    return this.#enter(openArray, closeArray);
  }

  /** Behind an element. @returns whether another follows */
  nextElement(): boolean {
    return this.#next(closeArray);
  }

  /** Whether the member that was come to has this key, which has no character that JSON escapes. */
  isKey(key: string): boolean {
    return this.#keyUntil - this.#keyFrom === key.length && this.#characters.startsWith(key, this.#keyFrom);
  }

  string(): string | undefined {
    this.#isPlain = false;
    if (this.#first() !== quote) return this.#null();
    const from = this.#at;
    this.#isPlain = this.#walkString();
    const until = this.#at;
    if (this.#isPlain) return this.#characters.slice(from + 1, until - 1);
    return JSON.parse(Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, until - from).toString());
  }

  /** Whether the string that was read last is ASCII without escapes: between quotes it is its own JSON. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /** A number as it is written. */
  number(): string | undefined {
    let byte = this.#first();
    const from = this.#at;
    if (byte === minus) byte = this.#step();
    else if (!isDigit(byte)) return this.#null();
    byte = this.#digits(byte);
    if (byte === dot) byte = this.#digits(this.#step());
    // e or E
    if ((byte | 0x20) === 0x65) {
      byte = this.#step();
      if (byte === plus || byte === minus) byte = this.#step();
      this.#digits(byte);
    }
    return this.#characters.slice(from, this.#at);
  }

  /** Leaves a value out. */
  skip(): void {
    const first = this.#first();
    if (first === quote) this.#walkString();
    else if (first === openObject || first === openArray) this.#skipNested();
    else this.#skipWord(first);
  }

  /** Nothing but white space may follow. */
  end(): void {
    if (this.#first() !== -1) throw malformed();
  }

  #skipNested(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let depth = 0;
    do {
      const byte = bytes[at];
      if (byte === quote) {
        this.#at = at;
        this.#walkString();
        at = this.#at;
        continue;
      }
      if (byte === undefined) throw malformed();
      if (byte === openObject || byte === openArray) depth++;
      else if (byte === closeObject || byte === closeArray) depth--;
      at++;
    } while (depth > 0);
    this.#at = at;
  }

  #skipWord(first: number): void {
    if (!isOfWord(first)) throw malformed();
    let byte = first;
    while (isOfWord(byte)) byte = this.#step();
  }

  #enter(open: number, close: number): boolean {
    if (this.#first() !== open) {
      this.#null();
      return false;
    }
    this.#at++;
    if (this.#first() !== close) return true;
    this.#at++;
    return false;
  }

  #next(close: number): boolean {
    const byte = this.#first();
    if (byte !== comma && byte !== close) throw malformed();
    this.#at++;
    return byte === comma;
  }

  #key(): true {
    if (this.#first() !== quote) throw malformed();
    this.#keyFrom = this.#at + 1;
    this.#walkString();
    this.#keyUntil = this.#at - 1;
    if (this.#first() !== colon) throw malformed();
    this.#at++;
    return true;
  }

  /** From a quote to behind the next that is not escaped. @returns whether all of it is ASCII without escapes */
  #walkString(): boolean {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    let plain = true;
    for (;;) {
      const byte = bytes[at];
      if (byte === quote) break;
      // The control characters that JSON does not allow, and the end.
      if (byte === undefined || byte < 0x20) throw malformed();
      if (byte === backslash) at++;
      if (byte === backslash || byte > 0x7e) plain = false;
      at++;
    }
    this.#at = at + 1;
    return plain;
  }

  /** The byte at which the next value, or what stands between two of them, begins; -1 at the end. */
  #first(): number {
    let byte = this.#bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at];
    return byte ?? -1;
  }

  #step(): number {
    return this.#bytes[++this.#at] ?? -1;
  }

  /** One digit or more. @returns the byte behind them */
  #digits(first: number): number {
    if (!isDigit(first)) throw malformed();
    let byte = first;
    while (isDigit(byte)) byte = this.#step();
    return byte;
  }

  #null(): undefined {
    if (!this.#characters.startsWith("null", this.#at)) throw malformed();
    this.#at += 4;
    return undefined;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** What numbers, `true`, `false` and `null` are made of. */
function isOfWord(byte: number): boolean {
  return (
    isDigit(byte) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x45 || byte === minus || byte === plus || byte === dot
  );
}

function malformed(): SyntaxError {
  return new SyntaxError("not JSON of the kind that is expected");
}
