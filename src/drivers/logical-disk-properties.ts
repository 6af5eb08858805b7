/** What a RAID configuration may say of a logical disk (ironic drivers/raid_config_schema.json, 2026.2). */
export const logicalDiskProperties: Readonly<Record<string, string>> = {
  controller: 'The RAID controller to use, as the hardware names it. Optional; else one is chosen.',
  disk_type: "The kind of physical disks: 'hdd' or 'ssd'. Optional; else any.",
  interface_type: "How the physical disks are attached: 'sata', 'scsi' or 'sas'. Optional; else any.",
  is_root_volume:
    'Whether this disk is the root device. Optional, false by default; true for one disk at most.',
  number_of_physical_disks:
    'How many physical disks to use. Optional, by default the fewest the RAID level needs.',
  physical_disks: 'The physical disks to use, as the controller names them. Optional; needs controller.',
  raid_level: "One of 'JBOD', '0', '1', '2', '5', '6', '1+0', '5+0' and '6+0'. Required.",
  share_physical_disks:
    'Whether other logical disks may use the same physical disks. Optional, false by default.',
  size_gb: "The size in GiB, a whole number, or 'MAX' for all that is left. Required.",
  volume_name: 'The name of the volume. Optional; else one is made up.',
};
