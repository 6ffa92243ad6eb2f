/** One setting as `koboldfs config show` shows it. */
export interface ShownSetting {
  readonly setting: string;
  /** Without what makes a secret one; absent when there is none. */
  readonly value?: string;
  /** What holds besides, or instead of a value, in words. */
  readonly note?: string;
  /** Where it was written, in words: a flag, `environment NAME`, `FILE:LINE`, `default`. */
  readonly origin: string;
}
