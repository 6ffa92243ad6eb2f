/**
 * A bundle is several small files in one answer. For each file that was asked for, in order, it has one line of JSON and,
 * when that is a `FileInfo`, the `size` bytes of the file right behind the line's end. What cannot be had has a
 * `BundleRefusal` in place of both. An answer that ends before the last file is cut off.
 */
export const BUNDLE_TYPE = "application/vnd.koboldfs.bundle";

/** As many as a batch has operations and a listing has entries. */
export const MAX_BUNDLE_FILES = 1_000;

/**
 * A larger file is refused as `too_large`: alone it costs little more. Smaller ones are checked whole before a byte of
 * them is answered, so a bundle has right bytes only.
 */
export const MAX_BUNDLED_FILE_BYTES = 256 * 1024;

/** The bytes of all files of one answer; whoever reads it has them in memory. The rest is refused as `too_large`. */
export const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;
