package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.model.ModelSource;
import dev.serval.api.runtime.ModelPart;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.engine.gguf.TensorTable.Stored;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An open model in the GGUF container format, version 2 or 3, little-endian, in one file or split
 * over several: metadata and tensors are read and checked, tensor data is mapped when asked for.
 *
 * <p>Thread-safe. The mapping belongs to this object; after {@link #close} every access to tensor
 * data is an {@link IllegalStateException}. Model files must not be changed while they are mapped:
 * a truncated mapping ends the virtual machine.
 */
public final class GgufFile implements AutoCloseable {

  private final ModelSource source;
  private final List<GgufPart> parts;
  private final Map<TensorInfo, Location> locations = new LinkedHashMap<>();
  private @Nullable Arena arena;
  private @Nullable Weights mapped;
  private boolean closed;

  /**
   * A tensor and where it lies.
   *
   * @param part the file
   * @param stored name, type, shape and offset
   */
  record Location(GgufPart part, Stored stored) {

    /** Offset of the tensor's first byte in its file. */
    long position() {
      return part.tensors().start() + stored.offset();
    }
  }

  private GgufFile(List<GgufPart> parts) {
    this.parts = List.copyOf(parts);
    GgufPart first = parts.getFirst();
    List<TensorView> views = new ArrayList<>();
    for (GgufPart part : parts) {
      for (Stored t : part.tensors().tensors()) {
        locations.put(t.info(), new Location(part, t));
        views.add(TensorView.of(t.info()));
      }
    }
    this.source = new ModelSource(first.name(), first.metadata(), views);
  }

  /**
   * Opens a model with {@link GgufLimits#DEFAULT}.
   *
   * @param path a regular file on the default file system; any part of a split model, whose other
   *     parts lie beside it
   * @throws ModelRefusedException {@code UNREADABLE} if a file cannot be read, {@code MALFORMED} if
   *     one violates the format, {@code KEY_MISSING} or {@code KEY_INVALID} if the parts of a split
   *     model do not belong together
   */
  public static GgufFile open(Path path) {
    return open(path, GgufLimits.DEFAULT);
  }

  /**
   * Opens a model.
   *
   * @param path as {@link #open(Path)}
   * @param limits what each file may claim
   * @throws ModelRefusedException as {@link #open(Path)}
   */
  public static GgufFile open(Path path, GgufLimits limits) {
    return new GgufFile(SplitModel.of(GgufPart.open(path, limits), limits));
  }

  /** Metadata, and the tensors under their names in the file; stays valid after {@link #close}. */
  public ModelSource source() {
    return source;
  }

  /**
   * The tensors' bytes, mapped at the first call and readable until {@link #close}. Tensors whose
   * blocks are not in the order of their type are left out: a {@link WeightLoad} repairs them.
   *
   * @throws ModelRefusedException ({@code UNREADABLE}) if a file cannot be mapped
   * @throws IllegalStateException if this object is closed
   */
  public synchronized Weights weights() {
    requireOpen();
    Weights w = mapped;
    if (w == null) {
      Arena a = Arena.ofShared();
      arena = a;
      w = map(a);
      mapped = w;
    }
    return w;
  }

  private Weights map(Arena into) {
    Map<TensorInfo, MemorySegment> segments = new LinkedHashMap<>();
    for (GgufPart part : parts) {
      TensorTable table = part.tensors();
      MemorySegment data = map(part, into).asReadOnly();
      for (Stored t : table.tensors()) {
        long bytes = t.info().bytes();
        if (!t.isSequential()) {
          segments.put(t.info(), data.asSlice(bytes == 0 ? 0 : t.offset(), bytes));
        }
      }
    }
    return new SegmentWeights(source.name(), segments);
  }

  private static MemorySegment map(GgufPart part, Arena into) {
    long bytes = part.tensors().dataBytes();
    if (bytes == 0) {
      return into.allocate(0);
    }
    try {
      return part.channel().map(MapMode.READ_ONLY, part.tensors().start(), bytes, into);
    } catch (IOException e) {
      throw GgufPart.unreadable(part.name(), e);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(source.name() + " is closed");
    }
  }

  /**
   * Where a tensor lies.
   *
   * @throws IllegalArgumentException if there is no such tensor
   */
  Location location(TensorInfo tensor) {
    Location location = locations.get(tensor);
    if (location == null) {
      throw new IllegalArgumentException(source.name() + " has no tensor " + tensor);
    }
    return location;
  }

  /** The file that states the metadata. */
  GgufPart first() {
    return parts.getFirst();
  }

  /**
   * Reads bytes of a tensor without mapping it, in the order of its type.
   *
   * @param offset of the first byte in the tensor, a multiple of the type's block
   * @param n how many, whole blocks inside the tensor
   * @param target filled from its first byte on
   * @throws ModelRefusedException ({@code UNREADABLE}) if the file shrank meanwhile
   * @throws IOException if reading fails
   */
  public void read(TensorInfo tensor, long offset, int n, byte[] target) throws IOException {
    Objects.checkFromIndexSize(offset, n, tensor.bytes());
    Location location = location(tensor);
    location.part().read(location.position() + offset, ByteBuffer.wrap(target, 0, n));
    if (location.stored().isSequential()) {
      SequentialNibbles.repair(MemorySegment.ofArray(target).asSlice(0, n));
    }
  }

  /** Bytes between the starts of tensors in the first file. */
  public int alignment() {
    return first().alignment();
  }

  /** Where the files were opened, in order. */
  public List<Path> paths() {
    return parts.stream().map(GgufPart::path).toList();
  }

  /** What each file is, in order; stays valid after {@link #close}. */
  public List<ModelPart> parts() {
    return parts.stream()
        .map(p ->
            new ModelPart(
                p.name(),
                p.version(),
                p.fileBytes(),
                p.tensors().tensors().size(),
                p.tensors().tensorBytes()))
        .toList();
  }

  /** Number of files. */
  public int files() {
    return parts.size();
  }

  /** Sum of the tensors' sizes in bytes, without padding. */
  public long tensorBytes() {
    return parts.stream().mapToLong(p -> p.tensors().tensorBytes()).sum();
  }

  /** Number of weights: the sum of the tensors' elements. */
  public long parameters() {
    return parts.stream().mapToLong(p -> p.tensors().parameters()).sum();
  }

  /**
   * Unmaps the data and closes the files. Does nothing if closed before.
   *
   * @throws IllegalStateException if a native call is using the data right now
   */
  @Override
  public synchronized void close() {
    Arena a = arena;
    if (a != null) {
      a.close();
      arena = null;
    }
    closed = true;
    parts.forEach(GgufPart::close);
  }
}
