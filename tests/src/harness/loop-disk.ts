import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findOrInstallPrograms } from "@koboldfs/tools";
import { atExit } from "./at-exit.js";
import { makeTempFolder } from "./temp-folder.js";

const SIZE_MIB = 256;

/**
 * `FS_IOC_SHUTDOWN` with `FS_SHUTDOWN_FLAGS_NOLOGFLUSH` (linux/fs.h): the file system stops at this instant, and what it
 * had not given to its device never gets there, its journal's last transaction included. Perl is part of every Debian.
 */
const CUT =
  'open my $f, ">", "$ARGV[0]/power" or die $!; my $how = pack("I", 2); ioctl($f, 0x8004587d, $how) or die $!';

/** A disk of its own: ext4 in a file, whose power can be cut. */
export class LoopDisk {
  /** Where it is mounted. */
  readonly path: string;
  readonly #image: string;
  readonly #forget: () => void;
  readonly #removeFolder: () => void;
  #isMounted = false;

  private constructor() {
    const temp = makeTempFolder();
    this.path = join(temp.path, "disk");
    this.#image = join(temp.path, "image");
    this.#removeFolder = () => temp.remove();
    // Before the folder's own end: what is mounted in it cannot be removed.
    this.#forget = atExit(() => this.#unmount());
    mkdirSync(this.path);
  }

  /** Answers why there is none on this machine. */
  static async make(): Promise<LoopDisk | { readonly skip: string }> {
    const programs = { name: "ext4", programs: ["mkfs.ext4", "mount"], packages: ["e2fsprogs", "mount"] };
    const found = await findOrInstallPrograms(programs);
    if ("skip" in found) return found;
    const disk = new LoopDisk();
    try {
      run("truncate", "-s", `${SIZE_MIB}M`, disk.#image);
      run(found[0] as string, "-q", "-F", disk.#image);
      disk.#mount();
      run("perl", "-e", "1");
      return disk;
    } catch (error) {
      disk.remove();
      return { skip: `no right to mount a loop device, or no perl: ${String(error).split("\n")[0]}` };
    }
  }

  /** Nothing reaches the disk any more, and whoever writes gets EIO. */
  cutPower(): void {
    run("perl", "-e", CUT, this.path);
  }

  /** What the disk has is read again, as after a reboot. No process may have a file on it. */
  restorePower(): void {
    this.#unmount();
    this.#mount();
  }

  remove(): void {
    this.#unmount();
    this.#forget();
    this.#removeFolder();
  }

  #mount(): void {
    run("mount", "-o", "loop", this.#image, this.path);
    this.#isMounted = true;
  }

  #unmount(): void {
    if (!this.#isMounted) return;
    run("umount", this.path);
    this.#isMounted = false;
  }
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: "pipe" });
}
