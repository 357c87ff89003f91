/** Rights that the system gives netpane, for `netpane doctor`. */
export interface SystemFacts {
  /** True if koffi is loaded, through which netpane calls the C library; else the reason, a clause. */
  readonly koffi: true | string;
  /** Absent except on Linux. */
  readonly linux?: LinuxFacts;
}

/** Rights that Linux gives netpane. */
export interface LinuxFacts {
  /** Names of the effective capabilities (capabilities(7)), `all` or `none`; `?` if unknown. */
  readonly capabilities: string;
  /** Capabilities that netpane can use and lacks. */
  readonly lackedCapabilities: readonly string[];
  /** True outside the initial user namespace. */
  readonly isInUserNamespace: boolean;
  /** True outside the initial pid namespace. */
  readonly isInPidNamespace: boolean;
  /** Label of the container that netpane runs in; absent outside of containers, as far as its control group says. */
  readonly container?: string;
  /** True if the kernel can close a socket of another program (SOCK_DESTROY); else the reason, a clause. */
  readonly closeSockets: true | string;
  /** Version of the ABI of Landlock (landlock(7)); 0 if the kernel has none or it is off; undefined if unknown. */
  readonly landlockAbi: number | undefined;
  /** True if a thread can be confined (`confineThread`); else the reason, a clause. */
  readonly confinement: true | string;
  /** True if netpane may capture the names that programs ask for (`--names`); else the reason, a clause. */
  readonly names: true | string;
  /** Limits of open files: `soft` is in use, netpane may raise it to `hard`. */
  readonly openFiles: { readonly soft: string; readonly hard: string } | undefined;
  /** Package databases that were found: dpkg, apk, pacman, rpm. */
  readonly packageDatabases: readonly string[];
}
