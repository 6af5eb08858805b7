// Every setting, by group, under Ironic's names (ironic conf/*.py, 2026.2); what is Ingot's own stands under
// [ingot]. A default that differs from Ironic's says theirs and why. Reference pages derive from this table.
import { boolean, choice, dict, integer, list, numbers, priorities, seconds, string } from './option.ts';

/** Why the lists of enabled things differ from Ironic's. */
const implemented = 'what runs out of the box is what is implemented, simulated machines included';
const loopback = 'without authentication nothing listens beyond the machine unless told so';

export const options = {
  DEFAULT: {
    host: string('', 'The name of this conductor, unique among all and the same after a restart.', {
      whenEmpty: 'hostname',
    }),
    my_ip: string('', 'The address under which machines and other services reach this one.', {
      whenEmpty: 'primary address',
    }),
    debug: boolean(false, 'Whether the log tells details.'),
    log_file: string(null, 'The file the log goes to; otherwise standard error.'),
    debug_tracebacks_in_api: boolean(false, 'Whether an answer of 5xx carries the stack of the error.'),
    auth_strategy: choice(['noauth'], 'noauth', 'How the API knows who is asking: it does not.', {
      ironic: { default: 'keystone', why: 'one command has to work with no identity service beside it' },
    }),
    log_in_db_max_size: integer(4096, 'How long an error text may be when it is stored.', { min: 1 }),

    enabled_hardware_types: list(['redfish', 'fake-hardware'], 'The hardware types nodes may have.', {
      ironic: { default: ['ipmi', 'redfish'], why: implemented },
    }),
    enabled_bios_interfaces: list(['redfish', 'no-bios', 'fake'], 'The BIOS interfaces nodes may use.', {
      ironic: { default: ['no-bios', 'redfish'], why: implemented },
    }),
    enabled_boot_interfaces: list(['redfish-virtual-media', 'fake'], 'The boot interfaces nodes may use.', {
      ironic: { default: ['ipxe', 'pxe', 'redfish-virtual-media'], why: implemented },
    }),
    enabled_console_interfaces: list(['no-console', 'fake'], 'The console interfaces nodes may use.', {
      ironic: { default: ['no-console'], why: implemented },
    }),
    enabled_deploy_interfaces: list(['direct', 'fake'], 'The deploy interfaces nodes may use.', {
      ironic: { default: ['autodetect', 'direct', 'ramdisk', 'bootc'], why: implemented },
    }),
    enabled_firmware_interfaces: list(['no-firmware', 'fake'], 'The firmware interfaces nodes may use.', {
      ironic: { default: ['no-firmware'], why: implemented },
    }),
    enabled_inspect_interfaces: list(
      ['redfish', 'agent', 'no-inspect', 'fake'],
      'The inspect interfaces nodes may use.',
      { ironic: { default: ['no-inspect', 'redfish'], why: implemented } },
    ),
    enabled_management_interfaces: list(
      ['redfish', 'noop', 'fake'],
      'The management interfaces nodes may use.',
      { ironic: { default: null, why: 'a list says what is enabled without knowing the hardware types' } },
    ),
    enabled_network_interfaces: list(['noop'], 'The network interfaces nodes may use.', {
      ironic: { default: ['flat', 'noop'], why: implemented },
    }),
    enabled_power_interfaces: list(['redfish', 'fake'], 'The power interfaces nodes may use.', {
      ironic: { default: null, why: 'a list says what is enabled without knowing the hardware types' },
    }),
    enabled_raid_interfaces: list(['no-raid', 'fake'], 'The RAID interfaces nodes may use.', {
      ironic: { default: ['agent', 'no-raid', 'redfish'], why: implemented },
    }),
    enabled_rescue_interfaces: list(['no-rescue', 'fake', 'agent'], 'The rescue interfaces nodes may use.', {
      ironic: { default: ['no-rescue'], why: implemented },
    }),
    enabled_storage_interfaces: list(['noop', 'fake'], 'The storage interfaces nodes may use.', {
      ironic: { default: ['cinder', 'noop'], why: implemented },
    }),
    enabled_vendor_interfaces: list(['no-vendor', 'fake'], 'The vendor interfaces nodes may use.', {
      ironic: { default: ['ipmitool', 'redfish', 'no-vendor'], why: implemented },
    }),

    // Null: the first that the hardware type prefers among the enabled. A name here binds every hardware type.
    default_bios_interface: string(null, 'The BIOS interface of nodes that name none.'),
    default_boot_interface: string(null, 'The boot interface of nodes that name none.'),
    default_console_interface: string(null, 'The console interface of nodes that name none.'),
    default_deploy_interface: string(null, 'The deploy interface of nodes that name none.'),
    default_firmware_interface: string(null, 'The firmware interface of nodes that name none.'),
    default_inspect_interface: string(null, 'The inspect interface of nodes that name none.'),
    default_management_interface: string(null, 'The management interface of nodes that name none.'),
    default_network_interface: string(null, 'The network interface of nodes that name none.'),
    default_power_interface: string(null, 'The power interface of nodes that name none.'),
    default_raid_interface: string(null, 'The RAID interface of nodes that name none.'),
    default_rescue_interface: string(null, 'The rescue interface of nodes that name none.'),
    default_storage_interface: string('noop', 'The storage interface of nodes that name none.'),
    default_vendor_interface: string(null, 'The vendor interface of nodes that name none.'),

    default_conductor_group: string('', 'The conductor group of nodes created without one.'),
    default_resource_class: string(null, 'The resource class of nodes created without one.'),
    hash_partition_exponent: integer(5, 'Each conductor has 2 to this power points on the ring.', {
      min: 0,
      max: 15,
    }),
    hash_ring_reset_interval: seconds(15, 'How long a ring is used before the conductors are read again.'),
    hash_ring_algorithm: choice(
      ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'],
      'md5',
      'The hash that places nodes and conductors on the ring.',
    ),

    notification_level: choice(
      ['debug', 'info', 'warning', 'error', 'critical'],
      null,
      'The least level of notifications that are sent; null sends none.',
    ),
    rpc_response_timeout: seconds(60, 'How long the API waits for the answer of a conductor.', { min: 0.01 }),

    webserver_verify_ca: string('True', 'Whether servers of images are verified: True, False, or a CA file.'),
    webserver_connection_timeout: seconds(60, 'How long a server of images may take to answer.', { min: 1 }),
  },

  api: {
    host_ip: string('127.0.0.1', 'The address the API listens on.', {
      ironic: { default: '0.0.0.0', why: loopback },
    }),
    port: integer(6385, 'The port the API listens on; 0 takes a free one.', { min: 0, max: 65535 }),
    public_endpoint: string(null, 'The URL clients know the API by, for the links in answers.'),
    max_limit: integer(1000, 'The longest page of a list, and its length when none is asked for.', {
      min: 1,
    }),
    enable_ramdisk_endpoints: boolean(true, 'Whether lookup, heartbeat and inspection are served.'),
    restrict_lookup: boolean(true, 'Whether lookup finds only nodes whose state expects an agent.'),
    ramdisk_heartbeat_timeout: seconds(300, 'How long agents may wait between heartbeats.', { min: 1 }),
    max_json_body_depth: integer(25, 'How deep the JSON of a request may nest.', { min: 8 }),
    max_json_body_size: integer(1024, 'How many KiB a request may have.', { min: 4 }),
    max_json_body_size_provision: integer(65536, 'How many KiB a provision request may have.', { min: 4 }),
    max_json_body_size_inspection: integer(16384, 'How many KiB inspection data may have.', { min: 4 }),
    disallow_clean_steps: list(['vendor.send_raw'], 'Clean steps, interface.step, that no request may name.'),
    disallow_deploy_steps: list(['vendor.send_raw'], 'Deploy steps that no request may name.'),
    disallow_service_steps: list(['vendor.send_raw'], 'Service steps that no request may name.'),
    disallowed_enrollment_boot_modes: list([], 'Boot modes that a new node may not ask for.'),
  },

  conductor: {
    conductor_group: string(
      '',
      'The group of nodes this conductor serves; empty serves those without group.',
    ),
    heartbeat_interval: seconds(10, 'How often a conductor says that it lives.', { min: 0.01 }),
    heartbeat_timeout: seconds(60, 'After how long without a sign a conductor counts as dead.', {
      min: 0.01,
      max: 315_576_000,
    }),
    workers_pool_size: integer(300, 'How many nodes a conductor works on at once.', { min: 3 }),
    periodic_max_workers: integer(8, 'How many nodes one run of a periodic task takes on.', { min: 1 }),
    graceful_shutdown_timeout: seconds(60, 'How long a conductor that was told to end may finish its work.'),

    node_locked_retry_attempts: integer(3, 'How often a lock that is held is tried for.', { min: 1 }),
    node_locked_retry_interval: seconds(1, 'How long to wait between these tries.'),
    check_provision_state_interval: seconds(
      60,
      'How often waiting nodes are checked for time limits; 0 never.',
    ),

    sync_local_state_interval: seconds(
      180,
      'How often consoles and the like of nodes with an instance are looked for on other conductors; 0 never.',
    ),
    conductor_cleanup_interval: seconds(
      86_400,
      'How often conductors that are long gone are forgotten; 0 never.',
    ),
    conductor_cleanup_timeout: seconds(1_209_600, 'How long a conductor must be gone for that.', { min: 60 }),
    conductor_cleanup_batch_size: integer(50, 'How many are forgotten at once.', { min: 1 }),

    deploy_callback_timeout: seconds(1800, 'How long a node may stay in wait call-back; 0 for ever.'),
    clean_callback_timeout: seconds(1800, 'How long a node may stay in clean wait; 0 for ever.'),
    inspect_wait_timeout: seconds(1800, 'How long a node may stay in inspect wait; 0 for ever.'),
    rescue_callback_timeout: seconds(1800, 'How long a node may stay in rescue wait; 0 for ever.'),
    service_callback_timeout: seconds(1800, 'How long a node may stay in service wait; 0 for ever.'),

    sync_power_state_interval: seconds(
      120,
      'How often power states are compared with the hardware; 0 never.',
    ),
    sync_power_state_workers: integer(8, 'How many nodes are compared at once.', { min: 1 }),
    power_state_sync_max_retries: integer(
      3,
      'How often that may fail before the node goes into maintenance.',
      {
        min: 0,
      },
    ),
    force_power_state_during_sync: boolean(true, 'Whether the hardware is made to follow what is stored.'),
    power_failure_recovery_interval: seconds(
      300,
      'How often nodes in maintenance for a power failure are tried again; 0 never.',
    ),
    power_state_change_timeout: seconds(60, 'How long a power action may take to show.', { min: 0.01 }),
    soft_power_off_timeout: seconds(600, 'How long an operating system may take to shut down.', {
      min: 0.01,
    }),

    automated_clean: boolean(true, 'Whether nodes are cleaned before they become available.'),
    allow_deleting_available_nodes: boolean(true, 'Whether a node in available may be deleted.'),
    automatic_lessee: boolean(true, 'Whether the project that deploys a node becomes its lessee meanwhile.'),
    allow_provisioning_in_maintenance: boolean(true, 'Whether cleaning and provision go on in maintenance.'),
    max_concurrent_deploy: integer(250, 'How many nodes may be deploying at once.', { min: 1 }),
    max_concurrent_clean: integer(50, 'How many nodes may be cleaning or deleting at once.', { min: 1 }),
    max_concurrent_per_conductor_group: boolean(false, 'Whether these limits count per conductor group.'),
    max_conductor_wait_step_seconds: seconds(30, 'How long a step "wait" may name.', { max: 1800 }),
    permit_child_node_step_async_result: boolean(
      false,
      'Whether a step may be left going on a child node without anybody waiting for it.',
    ),
    clean_step_priority_override: priorities({}, 'Priorities of clean steps, interface.step:priority.'),
    verify_step_priority_override: priorities({}, 'Priorities of verify steps, interface.step:priority.'),
    poweroff_in_cleanfail: boolean(false, 'Whether a node whose cleaning failed is powered off.'),
    poweroff_in_servicefail: boolean(false, 'Whether a node whose servicing failed is powered off.'),
    rescue_password_hash_algorithm: choice(['sha256', 'sha512'], 'sha256', 'The hash of that password.'),
    enable_health_monitoring: boolean(true, 'Whether what the BMC says of its health is stored.'),

    node_history: boolean(true, 'Whether events of nodes are kept.'),
    node_history_max_entries: integer(300, 'How many events of a node are kept.', { min: 0 }),
    node_history_minimum_days: integer(0, 'How many days an event of a node is kept in any case.', {
      min: 0,
    }),
    node_history_cleanup_interval: seconds(86_400, 'How often events of nodes are counted; 0 never.'),
    node_history_cleanup_batch_count: integer(1000, 'How many too many are removed at once; 0 none.', {
      min: 0,
    }),
    record_step_flows_in_history: boolean(true, 'Whether the beginning and end of step flows are events.'),

    deploy_kernel: string(null, 'The URL of the agent kernel for nodes that name none.'),
    deploy_ramdisk: string(null, 'The URL of the agent ramdisk for nodes that name none.'),
    deploy_kernel_by_arch: dict({}, 'The same by cpu_arch.'),
    deploy_ramdisk_by_arch: dict({}, 'The same by cpu_arch.'),
    rescue_kernel: string(null, 'The same for rescue; null: the kernel of the agent.'),
    rescue_ramdisk: string(null, 'The same for rescue; null: the ramdisk of the agent.'),
    rescue_kernel_by_arch: dict({}, 'The same by cpu_arch.'),
    rescue_ramdisk_by_arch: dict({}, 'The same by cpu_arch.'),
    bootloader: string(null, 'The URL of the EFI system partition image for boot media.'),
    bootloader_by_arch: dict({}, 'The same by cpu_arch.'),
    permitted_image_formats: list(['raw', 'gpt', 'qcow2', 'iso'], 'The formats an image may have.'),
    file_url_allowed_paths: list(['/var/lib/ironic'], 'The folders that file:// URLs may lead into.'),
    disable_deep_image_inspection: boolean(false, 'Whether the format of images is taken on trust.'),
  },

  deploy: {
    erase_devices_priority: integer(
      null,
      'The priority of erasing whole disks when cleaning; 0 leaves it out.',
      {
        min: 0,
      },
    ),
    erase_devices_metadata_priority: integer(
      null,
      'The priority of erasing only what describes the data on disks; 0 leaves it out.',
      { min: 0 },
    ),
    create_configuration_priority: integer(null, 'The priority of creating the RAID when cleaning.', {
      min: 0,
    }),
    delete_configuration_priority: integer(null, 'The priority of deleting the RAID when cleaning.', {
      min: 0,
    }),
    shred_random_overwrite_iterations: integer(1, 'How often a disk is overwritten with noise.', { min: 0 }),
    shred_final_overwrite_with_zeros: boolean(true, 'Whether zeros go over the noise.'),
    continue_if_disk_secure_erase_fails: boolean(false, 'Whether overwriting follows a failed secure erase.'),
    enable_ata_secure_erase: boolean(true, 'Whether ATA secure erase is used where a disk has it.'),
    enable_nvme_secure_erase: boolean(true, 'Whether NVMe format is used where a disk has it.'),
    erase_skip_read_only: boolean(false, 'Whether disks that cannot be written are left as they are.'),
    disk_erasure_concurrency: integer(4, 'How many disks are erased at once.', { min: 1 }),
    http_url: string(null, 'The URL under which machines reach these files; null: our own server.'),
    external_http_url: string(null, 'The URL under which BMCs reach them, when it is another.'),
    external_callback_url: string(null, 'The URL under which agents reach the API, when it is another.'),
    power_off_after_deploy_failure: boolean(true, 'Whether a node whose deployment failed is powered off.'),
    fast_track: boolean(false, 'Whether an agent that already runs is used instead of another boot.'),
    fast_track_timeout: seconds(300, 'How fresh the heartbeat of such an agent must be.', { max: 300 }),
    image_server_auth_strategy: choice(
      ['noauth', 'http_basic'],
      'noauth',
      'How to sign in to servers of images.',
    ),
    image_server_auth_hosts: list(
      [],
      'The hosts, with their port where it is not the usual one, that are signed in to; no other is told the password.',
    ),
    image_server_user: string(null, 'The user there.'),
    image_server_password: string(null, 'The password there.', { secret: true }),
  },

  agent: {
    require_tls: boolean(true, 'Whether an agent must be reached by https.'),
    verify_ca: string('True', 'Whether agents are verified: True, False, or a CA file.'),
    api_ca_file: string(null, 'The CA by which agents verify the API, a PEM file put on their boot media.'),
    command_timeout: seconds(60, 'How long an agent may take to answer a request.', { min: 0.01 }),
    max_command_attempts: integer(3, 'How often a request to an agent is tried.', { min: 1 }),
    command_wait_interval: seconds(6, 'How long to wait between these questions.', { min: 0.01 }),
    post_deploy_get_power_state_retries: integer(6, 'How often a machine told to go off is looked at.', {
      min: 0,
    }),
    post_deploy_get_power_state_retry_interval: seconds(5, 'How long to wait between these looks.'),
    stream_raw_images: boolean(true, 'Whether raw images go straight to the disk.'),
    allow_md5_checksum: boolean(false, 'Whether md5 counts as a checksum.', {
      ironic: { default: 'true', why: 'md5 proves nothing about an image that someone wanted to change' },
    }),
  },

  redfish: {
    auth_type: choice(['basic', 'session', 'auto'], 'auto', 'How to sign in to a BMC.'),
    connect_timeout: seconds(30, 'How long a BMC may take to accept a connection.', { min: 0.01 }),
    read_timeout: seconds(60, 'How long a BMC may take to answer.', { min: 0.01 }),
    connection_attempts: integer(5, 'How often a connection is tried.', { min: 1 }),
    connection_retry_interval: seconds(4, 'How long to wait between these tries.', { min: 0.01 }),
    connection_cache_size: integer(1000, 'How many sessions with BMCs are kept.', { min: 0 }),
    post_boot_retry_attempts: integer(6, 'How often a change is tried while the machine starts.', { min: 1 }),
    post_boot_retry_delay: seconds(5, 'How long to wait between these tries.', { min: 0.01 }),
    power_on_conflict_retry_attempts: integer(6, 'How often power on is tried when the BMC is busy.', {
      min: 0,
    }),
    power_on_conflict_retry_interval: seconds(10, 'How long to wait between these tries.', { min: 0.01 }),
    verify_ca: string(null, 'How BMCs that do not say are verified: True, False, or a CA file.'),
    tls_minimum_version: choice(['1.1', '1.2', '1.3'], null, 'The oldest TLS spoken with BMCs.'),
    kernel_append_params: string('nofb vga=normal', 'Kernel parameters of the agent on virtual media.'),
    default_inspection_hooks: string('validate-interfaces,ports,architecture', 'The hooks run by default.'),
    inspection_hooks: string('$default_inspection_hooks', 'The hooks run after redfish inspection.'),
  },

  sensor_data: {
    send_sensor_data: boolean(false, 'Whether what sensors read is told as events.', {
      oldNames: ['conductor.send_sensor_data'],
    }),
    interval: seconds(600, 'How often.', { min: 1, oldNames: ['conductor.send_sensor_data_interval'] }),
    workers: integer(4, 'How many machines are asked at once.', {
      min: 1,
      oldNames: ['conductor.send_sensor_data_workers'],
    }),
    wait_timeout: seconds(300, 'How long one machine may take to tell.', {
      oldNames: ['conductor.send_sensor_data_wait_timeout'],
    }),
    data_types: list(['ALL'], 'The types told: ALL, or some of Temperature, Fan, Power, Drive.', {
      oldNames: ['conductor.send_sensor_data_types'],
    }),
    enable_for_nodes: boolean(true, 'Whether sensors of machines are told.'),
    enable_for_conductor: boolean(true, 'Whether the conductor tells of itself too.'),
    enable_for_undeployed_nodes: boolean(false, 'Whether machines without an instance are asked too.', {
      oldNames: ['conductor.send_sensor_data_for_undeployed_nodes'],
    }),
  },

  // Seconds an action of a fake interface takes; two numbers: a random time, most often near the first.
  fake: {
    bios_delay: numbers([0], 'How long fake BIOS work takes.'),
    boot_delay: numbers([0], 'How long fake boot work takes.'),
    deploy_delay: numbers([0], 'How long fake deploy work takes.'),
    firmware_delay: numbers([0], 'How long fake firmware work takes.'),
    inspect_delay: numbers([0], 'How long a fake inspection takes.'),
    management_delay: numbers([0], 'How long fake management work takes.'),
    power_delay: numbers([0], 'How long a fake power action takes.'),
    raid_delay: numbers([0], 'How long fake RAID work takes.'),
    rescue_delay: numbers([0], 'How long fake rescue work takes.'),
    storage_delay: numbers([0], 'How long fake storage work takes.'),
    vendor_delay: numbers([0], 'How long fake vendor work takes.'),
  },

  database: {
    connection: string('sqlite:///$ingot.data_path/ingot.sqlite', 'Where the data is, as a URL.', {
      secret: true,
      oldNames: ['sql_connection', 'DEFAULT.sql_connection'],
      ironic: { default: null, why: 'one command has to work with no database server beside it' },
    }),
    max_pool_size: integer(20, 'How many sessions with PostgreSQL one process has at most.', {
      min: 2,
      ironic: { default: 5, why: 'there is no overflow beyond it' },
    }),
  },

  service_catalog: {
    endpoint_override: string(
      null,
      'The URL under which machines reach the API, as that of a load balancer before several.',
    ),
  },

  inspector: {
    default_hooks: string(
      'ramdisk-error,validate-interfaces,ports,architecture',
      'The hooks run by default.',
    ),
    hooks: string('$default_hooks', 'The hooks run on what an agent found, in order.'),
    add_ports: choice(
      ['all', 'active', 'pxe', 'disabled'],
      'pxe',
      'For which network cards ports are created.',
    ),
    pre_create_ports: boolean(true, 'Whether ports are first made of what the BMC knows.'),
    power_off: boolean(true, 'Whether a machine is powered off after inspection.'),
    require_managed_boot: boolean(
      true,
      'Whether inspection fails when the agent cannot be booted from here.',
    ),
    extra_kernel_params: string('', 'Kernel parameters of the agent for inspection.'),
  },

  healthcheck: {
    enabled: boolean(false, 'Whether /healthcheck is served, as oslo.middleware serves it.'),
    detailed: boolean(false, 'Whether it tells versions and reasons, to whoever asks.'),
    backends: list([], 'What else is asked: disable_by_file, disable_by_files_ports.'),
    disable_by_file_path: string(null, 'The file whose existence makes it answer 503.'),
    disable_by_file_paths: list([], 'The same for each port: PORT:PATH.'),
  },

  ingot: {
    metrics: boolean(false, 'Whether the API serves what Prometheus reads, under /metrics.'),
    metrics_port: integer(
      null,
      'The port on which a process serves the same and nothing else, for conductors.',
      {
        min: 0,
        max: 65535,
      },
    ),
    metrics_host_ip: string('127.0.0.1', 'The address of that port.'),
    otlp_endpoint: string(
      null,
      "Where OpenTelemetry traces are sent to, without '/v1/traces': http://127.0.0.1:4318. " +
        'Without it what OTEL_EXPORTER_OTLP_ENDPOINT says in the environment; without both nothing is traced.',
    ),
    data_path: string('./var', 'The folder of everything Ingot writes.'),
    start_patience: seconds(
      120,
      'How long a process that starts waits for a database or broker that is away before it gives up; 0 for ever.',
    ),
    allow_remote_without_auth: boolean(
      false,
      'Whether the API may listen beyond the loopback while auth_strategy is noauth.',
    ),
    events_kept: integer(200_000, 'How many events are kept; older ones go.', { min: 1000 }),
    commit_batch_limit: integer(256, 'How many commits that arrive together share one sync to the disk.', {
      min: 1,
    }),
    commit_queue_limit: integer(10_000, 'How many commits may wait; one more is refused as busy.', {
      min: 1,
    }),
    worker_queue_limit: integer(1000, 'How much work may wait for a worker; more is refused as busy.', {
      min: 0,
    }),
    broker_url: string(
      null,
      'The NATS servers over which processes that run apart reach each other: nats:// or tls://, with user:password@ or token@ where they ask for it, more after commas.',
      { secret: true },
    ),
    broker_ca_file: string(null, 'The CA by which tls:// servers are verified; null: those of the system.'),
    broker_prefix: string('ingot', 'What every subject at the broker begins with: one word for each Ingot.'),
    rpc_served_at_once: integer(
      1000,
      'How many calls a conductor answers at once; more is refused as busy.',
      {
        min: 1,
      },
    ),
    rpc_calls_at_once: integer(4000, 'How many calls of one API process may be under way.', { min: 1 }),
    rpc_message_limit: integer(128, 'How many MiB a call or its answer may have.', { min: 1 }),
    when_limit_reached: choice(
      ['queue', 'refuse'],
      'queue',
      'What becomes of a request beyond max_concurrent_deploy or max_concurrent_clean: it waits for its turn, or it is refused.',
    ),
    turn_queue_limit: integer(10_000, 'How many may wait for their turn at each limit; more is refused.', {
      min: 0,
    }),
    turn_poll_interval: seconds(5, 'How often those who wait for their turn look for it unasked.', {
      min: 0.01,
    }),
    retry_attempts: integer(0, 'How often an operation that failed is begun anew by itself; 0 never.', {
      min: 0,
    }),
    retry_faults: list(
      ['bmc-unreachable', 'bmc-error', 'agent-unreachable', 'agent-timeout', 'image-fetch', 'boot-timeout'],
      'The kinds of failure after which it is; any is all but a wrong checksum of an image.',
    ),
    retry_phases: list(
      ['verify', 'inspect', 'clean', 'deploy', 'tear down', 'adopt', 'rescue', 'unrescue', 'service'],
      'The operations that are.',
    ),
    retry_backoff: seconds(60, 'How long to wait before that; twice as long before each further time.'),
    retry_backoff_max: seconds(3600, 'How long to wait at most.'),
    step_wait_timeout: seconds(
      1800,
      'How long a step may wait in a state that has no time limit of its own, as deleting; 0 for ever.',
    ),
    power_timeout_max: seconds(604_800, 'The longest timeout that a request for a power state may name.', {
      min: 1,
    }),
    webhook_urls: list([], 'Where notifications are posted to, besides the broker.', { secret: true }),
    webhook_secret: string(null, 'What notifications are signed with, so that receivers can tell ours.', {
      secret: true,
    }),
    webhook_timeout: seconds(10, 'How long a receiver may take to answer.', { min: 0.01 }),
    webhook_allow_link_local: boolean(
      false,
      'Whether receivers may have link-local addresses, where clouds keep what is not to be asked.',
    ),
    bmc_requests_per_bmc: integer(4, 'How many requests one BMC is sent at once.', { min: 1 }),
    bmc_queue_limit: integer(64, 'How many more may wait for it; the rest fail at once.', { min: 1 }),
    bmc_breaker_failures: integer(5, 'After how many failures in a row a BMC is left alone for a while.', {
      min: 1,
    }),
    bmc_breaker_pause: seconds(30, 'How long it is left alone.'),
    driver_poll_interval: seconds(1, 'How often hardware at work is looked at.', { min: 0.01 }),
    boot_retry_after: seconds(
      900,
      'How long after its start a machine of whose agent nothing was heard is booted once more; 0 never.',
    ),
    checkpoint_url: string(
      null,
      'For tests: told of every step boundary and waited for, so that a crash can be had exactly there.',
    ),
  },
} as const;
