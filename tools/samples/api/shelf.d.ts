/** Where things stand. */
export declare class Shelf {
  #private;
  private readonly name;
  constructor(name: string);
  /** Puts a thing there. */
  put(key: string): Promise<void>;
}
