// What conductor and agent say to each other: the wire shapes of ironic-python-agent's protocol, in both
// directions (spec agent-api.json). Names are as published. Types and small constants only.

/** The first release of ironic-python-agent whose protocol this is; what heartbeats report as `agent_version`. */
export const agentVersion = '11.5.0';

/** Microversions an agent asks for: the newest it makes use of, or less when the API is older. */
export const agentMicroversions = { minimum: '1.31', lookup: '1.62', heartbeat: '1.68' } as const;

/** What stands in a lookup's answer for a token that was handed out before. */
export const maskedToken = '******';
/** A shorter token is taken for none (IPA agent.py). */
export const minimumTokenLength = 32;

export type AgentCommandStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CLEAN_VERSION_MISMATCH';

export interface AgentCommandError {
  /** The class of the fault, as ImageChecksumError. */
  type: string;
  code: number;
  message: string;
  details: string;
}

/** How far a running command is. */
export interface CommandProgress {
  phase: 'download' | 'verify' | 'partition' | 'config drive' | 'erase';
  bytes_done: number;
  /** Null while the size is not known, as of a compressed stream. */
  bytes_total: number | null;
  /** 0 to 100 with one decimal; null while the size is not known. */
  percent: number | null;
  /** The disk being worked on. */
  device: string;
}

/** One command as GET /v1/commands lists it, oldest first. */
export interface AgentCommand {
  id: string;
  /** Without the extension: `execute_deploy_step`. */
  command_name: string;
  command_status: AgentCommandStatus;
  command_error: AgentCommandError | null;
  command_result: Record<string, unknown> | null;
  /** Ours, unknown to stock clients: how far a running command is. */
  command_progress: CommandProgress | null;
  /** Ours: which step an execute_*_step works on, known from its start, so that a conductor can re-attach to it. */
  command_step: { step: string; interface: string } | null;
}

export interface AgentCommandRequest {
  name: string;
  params: Record<string, unknown>;
}

/** What in-band steps are asked for and listed under. */
export type StepKind = 'clean' | 'deploy' | 'service';

export interface InBandStep {
  step: string;
  priority: number;
  interface: string;
  reboot_requested: boolean;
  abortable?: boolean;
  argsinfo?: Record<string, { description?: string; required?: boolean }>;
}

/** Name of a hardware manager → its version; sent back with each step so that a changed agent is noticed. */
export type HardwareManagerVersions = Record<string, string>;

/** What `<kind>.get_<kind>_steps` results in, under `clean_steps`, `deploy_steps` or `service_steps`. */
export type StepsByManager = Record<string, InBandStep[]>;

/** `params` of `standby.prepare_image` and arguments of the step `write_image`. */
export interface ImageInfo {
  id: string;
  urls: string[];
  disk_format?: string;
  container_format?: string;
  image_type?: 'whole-disk' | 'partition';
  stream_raw_images?: boolean;
  /** A digest in hexadecimal, or the URL of a file that lists it. */
  checksum?: string | null;
  os_hash_algo?: string | null;
  os_hash_value?: string | null;
  /** Base64 of an Authorization header's value. */
  image_request_authorization?: string;
  image_server_auth_strategy?: string;
  image_server_user?: string;
  image_server_password?: string;
  proxies?: { http?: string; https?: string };
  no_proxy?: string;
  node_uuid?: string;
  /** Base64 of a gzipped ISO 9660 image, or an http(s) URL of one. */
  configdrive?: string | null;
}

export interface WriteImageParams {
  image_info: ImageInfo;
  configdrive?: string | null;
}

/** The members of a node that an agent is told. */
export interface AgentNode {
  uuid: string;
  properties: Record<string, unknown>;
  instance_info: Record<string, unknown>;
  driver_internal_info: Record<string, unknown>;
}

/** The part of a lookup's `config` that agents act on. */
export interface LookupConfig {
  /** Seconds within which a heartbeat must come. */
  heartbeat_timeout: number;
  agent_token: string | null;
  agent_token_required?: boolean;
  agent_md5_checksum_enable?: boolean;
  permitted_image_formats?: string[] | string;
  agent_skip_bmc_detect?: boolean;
}

export interface LookupAnswer {
  node: AgentNode;
  config: LookupConfig;
}

export interface HeartbeatRequest {
  callback_url: string;
  agent_version: string;
  agent_token: string;
}

export interface InventoryInterface {
  name: string;
  mac_address: string;
  ipv4_address: string | null;
  ipv6_address: string | null;
  has_carrier: boolean;
  lldp: [type: number, hex: string][] | null;
  vendor: string | null;
  product: string | null;
  client_id: string | null;
  biosdevname: string | null;
  speed_mbps: number | null;
  pci_address: string | null;
  driver: string | null;
}

/** A disk as inventories and root device hints see it. */
export interface InventoryDisk {
  /** /dev/sda */
  name: string;
  model: string;
  /** Bytes. */
  size: number;
  rotational: boolean;
  wwn: string | null;
  serial: string | null;
  vendor: string | null;
  wwn_with_extension: string | null;
  wwn_vendor_extension: string | null;
  hctl: string | null;
  by_path: string | null;
  logical_sectors: number;
  physical_sectors: number;
  tran: string | null;
}

export interface Inventory {
  interfaces: InventoryInterface[];
  cpu: {
    model_name: string;
    frequency: string | null;
    count: number;
    architecture: string;
    flags: string[];
    socket_count: number | null;
  };
  disks: InventoryDisk[];
  /** `total` in bytes, `physical_mb` in MiB. */
  memory: { total: number; physical_mb: number };
  bmc_address: string | null;
  bmc_v6address: string | null;
  bmc_mac: string | null;
  system_vendor: {
    product_name: string;
    serial_number: string;
    manufacturer: string;
    firmware: { vendor: string; version: string; build_date: string };
  };
  boot: { current_boot_mode: 'uefi' | 'bios'; pxe_interface: string | null };
  hostname: string;
}

/** What an agent posts to continue_inspection: `inventory`, and beside it what is kept as plugin data. */
export interface InspectionPayload {
  inventory: Inventory;
  root_disk: InventoryDisk | null;
  boot_interface: string | null;
  configuration: { collectors: string[]; managers: { name: string; version: string }[] };
  error: string | null;
  /** Base64 of a gzipped tar. */
  logs?: string;
  pci_devices?: Record<string, string | number>[];
}
