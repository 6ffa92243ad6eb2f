export interface DiskStore {
  readonly path: string;
}
