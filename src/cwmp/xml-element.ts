/** An element as its tag tells it, its names resolved. */
export interface XmlElement {
  /** As written, with its prefix. */
  readonly name: string;
  readonly prefix: string;
  readonly local: string;
  /** Empty: of no namespace. */
  readonly uri: string;
  readonly attributes: readonly XmlAttribute[];
}

export interface XmlAttribute {
  readonly local: string;
  readonly uri: string;
  readonly value: string;
}

/** Receives a document element by element; throws a Refusal to stop. */
export interface ElementHandler {
  open(element: XmlElement): void;
  text(text: string): void;
  close(): void;
}
