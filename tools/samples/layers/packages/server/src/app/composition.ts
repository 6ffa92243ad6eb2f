import type { DiskStore } from "../blobs/disk/disk-store.js";
export type App = DiskStore;
