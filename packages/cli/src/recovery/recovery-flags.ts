/** What the commands that make catalogs are told about the database that they make one in. */
export interface TargetFlags {
  readonly dsn: string;
  readonly replace?: true;
  readonly allowUnsafeCatalog?: true;
  readonly json?: true;
}

export interface MoveFlags extends Omit<TargetFlags, "dsn"> {
  readonly from: string;
  readonly to: string;
}

export interface PromoteFlags extends Omit<TargetFlags, "allowUnsafeCatalog"> {
  readonly config: string;
  readonly otherIsGone?: true;
}

export interface RebuildFlags extends TargetFlags {
  readonly data?: readonly string[];
  readonly server?: string;
  readonly config?: string;
  readonly verify?: true;
}
