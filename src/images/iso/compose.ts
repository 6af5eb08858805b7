// Lays out an ISO 9660 image with Rock Ridge and Joliet names and, when there is something to boot, El Torito.
// Nothing is written and no base file is read: only the directories are made, some dozens of kilobytes.
import { createHash } from 'node:crypto';
import { bootCatalogue, bootRecord, withBootInfoTable, type BootEntry } from './el-torito.ts';
import { IsoInputInvalid } from './errors.ts';
import { readSegments, type IsoImage, type Segment } from './image.ts';
import { jolietNames, primaryNames, type NameSpace, type Place } from './name-space.ts';
import * as records from './records.ts';
import { sectorSize, sectorsOf } from './records.ts';
import { sourceSize, type IsoSource } from './source.ts';
import { buildTree, type IsoDirectory, type IsoEntry } from './tree.ts';

export interface IsoInput {
  /** At most 32 printable ASCII characters; Joliet readers see the first 16. */
  volumeLabel: string;
  /** Paths with `/` between the names and none at the beginning; folders come into being by being named. */
  files: readonly { path: string; source: IsoSource }[];
  /** A FAT image with an EFI loader. If it is also one of the files it is stored once. */
  efiBootImage?: IsoSource;
  /** The first stage of a BIOS loader; with `bootInfoTable` it is told where it lies, as isolinux and GRUB need. */
  biosBootImage?: { bytes: Uint8Array; bootInfoTable: boolean };
  modifiedAt: Date;
}

const firstDescriptor = 16;

/**
 * The image of `input`: the same input gives the same bytes. Throws IsoInputInvalid naming the path, label or date
 * that cannot be carried. Base files are read only when the image is.
 */
export function composeIso(input: IsoInput): IsoImage {
  if (!/^[\u0020-\u007E]{0,32}$/.test(input.volumeLabel)) {
    throw new IsoInputInvalid('the label of an ISO image is at most 32 printable ASCII characters');
  }
  const hasBoot = input.efiBootImage !== undefined || input.biosBootImage !== undefined;
  const plan = new Plan(firstDescriptor + (hasBoot ? 4 : 3));
  const catalogueSector = hasBoot ? plan.take(1) : 0;
  const extension = records.rockRidgeExtension();
  const extensionSector = plan.put(extension);

  const root = buildTree(input.files);
  const date = records.recordDate(input.modifiedAt);
  const trees = [
    primaryNames(root, date, { sector: extensionSector, size: extension.length }),
    jolietNames(root, date),
  ].map((names) => placeNames(names, plan));
  const filePlaces = new Map(
    allFiles(root).map((file) => [file as IsoEntry, plan.putSource(file.source)] as const),
  );
  const bootEntries = placeBootImages(input, plan);
  const sectors = plan.end;

  const volumes = trees.map(({ names, pathTable, directoryPlaces }) => {
    const places = (entry: IsoEntry): Place =>
      directoryPlaces.get(entry) ?? filePlaces.get(entry) ?? emptyPlace;
    for (const directory of names.directories) {
      plan.fill(places(directory).sector, names.encode(directory, places));
    }
    plan.fill(pathTable.little, names.pathTable('little', places));
    plan.fill(pathTable.big, names.pathTable('big', places));
    return records.volumeDescriptor({
      kind: names.kind,
      label: input.volumeLabel,
      sectors,
      pathTable,
      rootRecord: names.rootRecord(places),
      modifiedAt: input.modifiedAt,
    });
  });
  // El Torito wants its descriptor right after the primary one.
  const descriptors = [
    ...volumes.slice(0, 1),
    ...(hasBoot ? [bootRecord(catalogueSector)] : []),
    ...volumes.slice(1),
    records.terminator(),
  ];
  plan.fill(firstDescriptor, Buffer.concat(descriptors));
  const [first, ...others] = bootEntries;
  if (first !== undefined) plan.fill(catalogueSector, bootCatalogue([first, ...others]));

  const segments = plan.segments.toSorted((a, b) => a.offset - b.offset);
  const size = sectors * sectorSize;
  return {
    size,
    etag: etagOf(segments, size),
    read: (start, end) => readSegments(segments, size, start, end),
  };
}

const emptyPlace: Place = { sector: 0, size: 0 };

/** Gives out sectors from the front, and collects what stands in them. */
class Plan {
  readonly segments: Segment[] = [];
  end: number;
  readonly #placed = new Map<unknown, Place>();

  constructor(end: number) {
    this.end = end;
  }

  take(sectors: number): number {
    const sector = this.end;
    this.end += sectors;
    return sector;
  }

  fill(sector: number, bytes: Uint8Array): void {
    this.segments.push({ offset: sector * sectorSize, source: { kind: 'bytes', bytes } });
  }

  put(bytes: Uint8Array): number {
    const sector = this.take(sectorsOf(bytes.length));
    this.fill(sector, bytes);
    return sector;
  }

  /** One body is stored once, however many names it has. An empty one has no sector. */
  putSource(source: IsoSource): Place {
    const identity =
      source.kind === 'bytes' ? source.bytes : `${source.path}\0${source.size}\0${source.version}`;
    const known = this.#placed.get(identity);
    if (known !== undefined) return known;
    const size = sourceSize(source);
    if (size === 0) return emptyPlace;
    const place = { sector: this.take(sectorsOf(size)), size };
    this.segments.push({ offset: place.sector * sectorSize, source });
    this.#placed.set(identity, place);
    return place;
  }
}

/** The sizes of directories depend on names alone, so they get their places before anything in them has one. */
function placeNames(names: NameSpace, plan: Plan) {
  const size = names.pathTable('little', () => emptyPlace).length;
  const pathTable = { size, little: plan.take(sectorsOf(size)), big: plan.take(sectorsOf(size)) };
  const directoryPlaces = new Map<IsoEntry, Place>();
  for (const directory of names.directories) {
    const { length } = names.encode(directory, (entry) =>
      entry.kind === 'file' ? { sector: 0, size: sourceSize(entry.source) } : emptyPlace,
    );
    directoryPlaces.set(directory, { sector: plan.take(sectorsOf(length)), size: length });
  }
  return { names, pathTable, directoryPlaces };
}

function allFiles(directory: IsoDirectory): (IsoEntry & { kind: 'file' })[] {
  return [...directory.children.values()].flatMap((entry) =>
    entry.kind === 'file' ? [entry] : allFiles(entry),
  );
}

/** BIOS first when there are both: firmware that knows no sections looks at the first entry only. */
function placeBootImages({ biosBootImage: bios, efiBootImage: efi }: IsoInput, plan: Plan): BootEntry[] {
  const entries: BootEntry[] = [];
  if (bios !== undefined) {
    const sector = plan.end;
    plan.put(bios.bootInfoTable ? withBootInfoTable(bios.bytes, sector) : bios.bytes);
    entries.push({ platform: 'bios', sector, size: bios.bytes.length });
  }
  if (efi !== undefined) entries.push({ platform: 'efi', ...plan.putSource(efi) });
  return entries;
}

function etagOf(segments: readonly Segment[], size: number): string {
  const hash = createHash('sha256').update(`${size}`);
  for (const { offset, source } of segments) {
    if (source.kind === 'bytes') hash.update(`\0${offset}\0`).update(source.bytes);
    else hash.update(`\0${offset}\0${JSON.stringify([source.path, source.size, source.version ?? null])}`);
  }
  return `"${hash.digest('base64url')}"`;
}
