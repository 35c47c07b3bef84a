package dev.serval.tck;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.backend.Backend;
import dev.serval.api.backend.Device;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.LayoutOp;
import dev.serval.api.graph.Op;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a backend says it computes: one line per op and weight type, one answer per cache type.
 *
 * <pre>
 * # op and weight type      F32  F16  Q8_0 Q4_0
 * matmul Q8_0               yes  yes  yes  yes
 * attend causal             yes  yes  no   no
 * </pre>
 */
public final class SupportTable {

  private static final List<DataType> CACHE_TYPES =
      List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0);

  /** Types that model files use for weights. */
  private static final List<DataType> WEIGHT_TYPES =
      List.of(
          DataType.F32,
          DataType.F16,
          DataType.BF16,
          DataType.Q8_0,
          DataType.Q4_0,
          DataType.Q4_1,
          DataType.Q5_0,
          DataType.Q5_1,
          DataType.IQ4_NL,
          DataType.MXFP4,
          DataType.Q2_K,
          DataType.Q3_K,
          DataType.Q4_K,
          DataType.Q5_K,
          DataType.Q6_K,
          DataType.IQ4_XS);

  private static final int LABEL_WIDTH = 28;

  private final Map<String, List<String>> answers;

  private SupportTable(Map<String, List<String>> answers) {
    this.answers = Collections.unmodifiableMap(answers);
  }

  /** What a backend says. */
  public static SupportTable of(Backend backend, Device device) {
    Map<String, List<String>> answers = new LinkedHashMap<>();
    samples()
        .forEach((label, op) -> {
          List<String> line = new ArrayList<>();
          for (DataType kvType : CACHE_TYPES) {
            line.add(backend.supports(op, kvType, device).isYes() ? "yes" : "no");
          }
          answers.put(label, List.copyOf(line));
        });
    return new SupportTable(answers);
  }

  /**
   * What was checked in as {@code support-<backend>.txt} beside the test; without lines if nothing
   * was.
   */
  public static SupportTable checkedIn(Class<?> test, String backend) {
    Map<String, List<String>> answers = new LinkedHashMap<>();
    try (InputStream in = test.getResourceAsStream("/" + fileName(backend))) {
      String text = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
      text.lines()
          .filter(line -> !line.startsWith("#") && line.length() > LABEL_WIDTH)
          .forEach(line ->
              answers.put(
                  line.substring(0, LABEL_WIDTH).strip(),
                  List.of(line.substring(LABEL_WIDTH).strip().split(" +"))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new SupportTable(answers);
  }

  /** Name of the file with the table of a backend. */
  public static String fileName(String backend) {
    return "support-" + backend + ".txt";
  }

  /** Whether the op on that line is refused with an F32 cache; false for a line that is absent. */
  public boolean isRefused(String label) {
    List<String> line = answers.get(label);
    return line != null && line.getFirst().equals("no");
  }

  /** Lines and answers, as {@code label, cache type}, that are yes here and not there. */
  public List<String> lostIn(SupportTable other) {
    List<String> lost = new ArrayList<>();
    answers.forEach((label, line) -> {
      for (int i = 0; i < line.size(); i++) {
        List<String> now = other.answers.getOrDefault(label, List.of());
        if (line.get(i).equals("yes") && (i >= now.size() || !now.get(i).equals("yes"))) {
          lost.add(label + ", cache " + CACHE_TYPES.get(i));
        }
      }
    });
    return lost;
  }

  /** Lines of which the answer with F32 weights and an F32 cache is not yes. */
  public List<String> refusedBasics() {
    return answers.keySet().stream()
        .filter(label ->
            label.endsWith(" F32") || WEIGHT_TYPES.stream().noneMatch(t -> label.endsWith(" " + t)))
        .filter(this::isRefused)
        .toList();
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder(pad("# op and weight type") + "F32  F16  Q8_0 Q4_0\n");
    answers.forEach((label, line) -> {
      StringBuilder cells = new StringBuilder();
      line.forEach(a -> cells.append(String.format(Locale.ROOT, "%-5s", a)));
      s.append(pad(label)).append(cells.toString().strip()).append('\n');
    });
    return s.toString();
  }

  private static String pad(String label) {
    return String.format(Locale.ROOT, "%-" + LABEL_WIDTH + "s", label);
  }

  private static TensorView weight(DataType type, long... sizes) {
    return TensorView.of(new TensorInfo("w", type, Shape.of(sizes)));
  }

  private static Map<String, Op> samples() {
    Map<String, Op> ops = new LinkedHashMap<>();
    for (Elementwise.BinaryKind k : Elementwise.BinaryKind.values()) {
      ops.put(k.name().toLowerCase(Locale.ROOT), new Elementwise.Binary(k));
    }
    for (Elementwise.UnaryKind k : Elementwise.UnaryKind.values()) {
      ops.put(k.name().toLowerCase(Locale.ROOT), new Elementwise.Unary(k));
    }
    ops.put("scale", new Elementwise.Scale(2));
    ops.put("addscalar", new Elementwise.AddScalar(1));
    ops.put("clamp", new Elementwise.Clamp(0, 1));
    TensorView norm = weight(DataType.F32, 256);
    ops.put("rmsnorm", new Reduction.RmsNorm(Optional.of(norm), 1e-6f));
    ops.put("layernorm", new Reduction.LayerNorm(norm, Optional.of(norm), 1e-5f));
    ops.put("softmax", new Reduction.Softmax());
    for (Reduction.ReduceKind k : Reduction.ReduceKind.values()) {
      String name = k.name().toLowerCase(Locale.ROOT).replace('_', ' ');
      ops.put("reduce " + name, new Reduction.Reduce(k));
    }
    ops.put("topk", new Reduction.TopK(4));
    ops.put("gather", new Reduction.Gather());
    for (DataType type : WEIGHT_TYPES) {
      ops.put("constant " + type, new Projection.Constant(weight(type, 256)));
      ops.put("rows " + type, new Projection.Rows(weight(type, 256, 8)));
      ops.put("matmul " + type, new Projection.MatMul(weight(type, 256, 8), Optional.empty()));
      TensorView experts = weight(type, 256, 8, 4);
      ops.put("expertmatmul " + type, new Projection.ExpertMatMul(experts, Optional.empty()));
    }
    ops.put("batchmatmul", new Projection.BatchMatMul());
    ops.put("rope", new AttentionOp.Rope(RopeSpec.neox(64, 10000, 1)));
    attention(ops);
    ops.put("slice", new LayoutOp.Slice(1, 0, 1));
    ops.put("concat", new LayoutOp.Concat(1));
    ops.put("reshape", new LayoutOp.Reshape(List.of()));
    ops.put("wanted", new LayoutOp.Wanted());
    ops.put("poolmean", new LayoutOp.PoolMean());
    return ops;
  }

  private static void attention(Map<String, Op> ops) {
    for (MaskKind mask : List.of(MaskKind.CAUSAL, MaskKind.sliding(16), MaskKind.chunked(16))) {
      String kind = mask.type().name().toLowerCase(Locale.ROOT);
      AttentionSpec spec = new AttentionSpec(8, 2, 64, 0.125f, mask);
      KvSlot slot = new KvSlot(0, 2, 64, 64, mask, Optional.empty());
      ops.put("kvstore " + kind, new AttentionOp.KvStore(slot));
      ops.put("attend " + kind, new AttentionOp.Attend(spec, slot));
      ops.put(
          "attend sinks " + kind,
          new AttentionOp.Attend(spec.withSinks(weight(DataType.F32, 8)), slot));
      ops.put("attend softcap " + kind, new AttentionOp.Attend(spec.withSoftCap(50), slot));
    }
    for (MaskKind mask :
        List.of(
            MaskKind.CAUSAL,
            MaskKind.sliding(16),
            MaskKind.symmetric(16),
            MaskKind.BIDIRECTIONAL)) {
      String kind = mask.type().name().toLowerCase(Locale.ROOT);
      AttentionSpec spec = new AttentionSpec(8, 2, 64, 0.125f, mask);
      ops.put("attendstep " + kind, new AttentionOp.AttendStep(spec));
    }
  }
}
