/** Members of driver_info that booting and driving the agent reads (spec driver-interfaces.json). */
export const agentProperties = {
  deploy_kernel: 'URL of the kernel that the agent boots with; [conductor]deploy_kernel when absent.',
  deploy_ramdisk: 'URL of the ramdisk that holds the agent; [conductor]deploy_ramdisk when absent.',
  image_http_proxy: 'URL of a proxy for images fetched by http.',
  image_https_proxy: 'URL of a proxy for images fetched by https.',
  image_no_proxy: 'Comma separated hosts that images are fetched from without a proxy.',
  deploy_forces_oob_reboot: 'Whether the machine is powered off by its BMC rather than by the agent.',
  agent_verify_ca:
    'True, False, or the file of a certificate that the certificate of the agent is checked against.',
} as const;
