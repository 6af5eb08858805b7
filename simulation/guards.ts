// What the product protects itself with, and what stands in for it when the simulation is to show what it is for.
import {
  AndNode,
  type KyselyPlugin,
  type OperationNode,
  ReferenceNode,
  type RootOperationNode,
  TableNode,
  UpdateQueryNode,
  WhereNode,
} from 'kysely';

export const guards = ['fence', 'read-back', 'commit-before-tell'] as const;

/**
 * `fence`: writes under a node's lock carry its epoch, and are refused under an older one. `read-back`: a step that
 * is begun again knows what its first run noted, and looks. `commit-before-tell`: a write that was answered is on the
 * disk, and so survives the loss of the database's machine.
 */
export type Guard = (typeof guards)[number];

/** Without the fence: takes the conditions on holder and epoch off every update of a node. */
export const unfenced: KyselyPlugin = {
  transformQuery: ({ node }) => (isFencedUpdate(node) ? withoutFence(node) : node),
  transformResult: async ({ result }) => result,
};

function isFencedUpdate(node: RootOperationNode): node is UpdateQueryNode {
  if (!UpdateQueryNode.is(node) || !node.table || !TableNode.is(node.table) || !node.where) return false;
  return (
    node.table.table.identifier.name === 'nodes' &&
    conditionsOf(node.where.where).some(isAbout('reservation_epoch'))
  );
}

function withoutFence(node: UpdateQueryNode): UpdateQueryNode {
  const kept = conditionsOf(node.where?.where).filter(
    (one) => !isAbout('reservation_epoch')(one) && !isAbout('reservation')(one),
  );
  const [first, ...rest] = kept;
  if (!first) throw new Error('An update of a node names no node');
  return { ...node, where: WhereNode.create(rest.reduce((all, one) => AndNode.create(all, one), first)) };
}

function conditionsOf(node: OperationNode | undefined): OperationNode[] {
  if (!node) return [];
  return AndNode.is(node) ? [...conditionsOf(node.left), ...conditionsOf(node.right)] : [node];
}

const isAbout =
  (column: string) =>
  (node: OperationNode): boolean => {
    const left = Reflect.get(node, 'leftOperand') as OperationNode | undefined; // of a comparison
    if (!left || !ReferenceNode.is(left)) return false;
    const name: unknown = Reflect.get(Reflect.get(left.column, 'column') as object, 'name');
    return name === column;
  };
