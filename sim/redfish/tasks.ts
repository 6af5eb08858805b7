// TaskService, and the UpdateService whose updates are tasks. A task's progress follows the clock; nothing runs for it.
import type { Clock } from '#model/clock.ts';
import { RedfishError } from './errors.ts';
import { collection, enabled, link, resource, route, type RedfishAnswer, type Route } from './route.ts';

interface Task {
  id: string;
  name: string;
  startedAt: number;
}

const keptTasks = 100;
const taskMs = 2_000;

export class Tasks {
  readonly #clock: Clock;
  readonly #tasks = new Map<string, Task>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(name: string): Task {
    this.#lastId += 1;
    const task = { id: String(this.#lastId), name, startedAt: this.#clock.now() };
    this.#tasks.set(task.id, task);
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size > keptTasks && oldest !== undefined) this.#tasks.delete(oldest);
    return task;
  }

  find(id: string | undefined): Task | undefined {
    return this.#tasks.get(id ?? '');
  }

  ids(): string[] {
    return [...this.#tasks.keys()];
  }

  percentOf(task: Task): number {
    return Math.min(100, Math.floor(((this.#clock.now() - task.startedAt) / taskMs) * 100));
  }
}

const service = '/redfish/v1/TaskService';
const update = '/redfish/v1/UpdateService';

export const taskRoutes: Route[] = [
  route(service, {
    GET: ({ bmc, path }) =>
      resource(path, '#TaskService.v1_2_1.TaskService', {
        Name: 'Task Service',
        ServiceEnabled: true,
        DateTime: new Date(bmc.clock.now()).toISOString(),
        CompletedTaskOverWritePolicy: 'Oldest',
        LifeCycleEventOnTaskStateChange: false,
        Status: enabled,
        Tasks: link(`${service}/Tasks`),
      }),
  }),
  route(`${service}/Tasks`, {
    GET: ({ bmc, path }) =>
      collection(
        path,
        'TaskCollection',
        'Tasks',
        bmc.tasks.ids().map((id) => `${path}/${id}`),
      ),
  }),
  route(`${service}/Tasks/:task`, {
    GET: ({ bmc, path, params }) => {
      const task = bmc.tasks.find(params['task']);
      if (!task) throw new RedfishError('ResourceMissingAtURI', path);
      return describe(path, task, bmc.tasks.percentOf(task));
    },
  }),
  route(`${service}/TaskMonitors/:task`, {
    GET: ({ bmc, path, params }) => {
      const task = bmc.tasks.find(params['task']);
      if (!task) throw new RedfishError('ResourceMissingAtURI', path);
      const percent = bmc.tasks.percentOf(task);
      const answer = describe(`${service}/Tasks/${task.id}`, task, percent);
      return percent === 100 ? answer : { ...answer, status: 202, headers: { Location: path } };
    },
  }),
  route(update, {
    GET: ({ path }) =>
      resource(path, '#UpdateService.v1_14_0.UpdateService', {
        Name: 'Update Service',
        ServiceEnabled: true,
        Status: enabled,
        FirmwareInventory: link(`${path}/FirmwareInventory`),
        Actions: {
          '#UpdateService.SimpleUpdate': {
            target: `${path}/Actions/UpdateService.SimpleUpdate`,
            'TransferProtocol@Redfish.AllowableValues': ['HTTP', 'HTTPS'],
          },
        },
      }),
  }),
  route(`${update}/FirmwareInventory`, {
    GET: ({ path }) =>
      collection(path, 'SoftwareInventoryCollection', 'Firmware Inventory', [`${path}/BMC`, `${path}/BIOS`]),
  }),
  ...(
    [
      ['BMC', '2.10.0'],
      ['BIOS', '1.4.2'],
    ] as const
  ).map(([id, version]) =>
    route(`${update}/FirmwareInventory/${id}`, {
      GET: ({ path }) =>
        resource(path, '#SoftwareInventory.v1_10_2.SoftwareInventory', {
          Name: `${id} firmware`,
          Version: version,
          Updateable: true,
          Status: enabled,
        }),
    }),
  ),
  route(`${update}/Actions/UpdateService.SimpleUpdate`, {
    POST: ({ bmc, body }) => {
      const { ImageURI: uri } = body;
      if (typeof uri !== 'string')
        throw new RedfishError('ActionParameterMissing', 'UpdateService.SimpleUpdate', 'ImageURI');
      const task = bmc.tasks.start('Firmware update');
      const answer = describe(`${service}/Tasks/${task.id}`, task, 0);
      return { ...answer, status: 202, headers: { Location: `${service}/TaskMonitors/${task.id}` } };
    },
  }),
];

function describe(path: string, task: Task, percent: number): RedfishAnswer {
  const ended = percent === 100;
  return resource(path, '#Task.v1_7_4.Task', {
    Name: task.name,
    TaskState: ended ? 'Completed' : 'Running',
    TaskStatus: 'OK',
    PercentComplete: percent,
    StartTime: new Date(task.startedAt).toISOString(),
    ...(ended && { EndTime: new Date(task.startedAt + taskMs).toISOString() }),
    TaskMonitor: `${service}/TaskMonitors/${task.id}`,
    Messages: [],
  });
}
