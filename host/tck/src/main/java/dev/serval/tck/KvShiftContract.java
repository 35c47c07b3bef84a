package dev.serval.tck;

import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.reference.RowDecoder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Stored keys move to other positions: plain, scaled by YaRN and with frequency factors, in every
 * type of cache, up and down.
 */
public abstract class KvShiftContract extends BackendContract {

  private static final int[] TEXT = {3, 14, 15, 92, 65, 35, 89, 79, 32, 38};
  private static final long SEED = 4;

  /** No key of the models is as large. */
  private static final double MOST = 4;

  /** For subclasses. */
  protected KvShiftContract() {}

  private interface Check {
    void run(TestModel model, ModelSession session);
  }

  /**
   * Against the same rotation of the same numbers: F32 is off by three roundings of numbers up to
   * |k|, which is below {@link #MOST} in these models; F16 rounds to a neighbour at most, a block
   * to a neighbouring code of a scale with a neighbouring F16.
   */
  private static Bound sameRotation(DataType type) {
    return switch (type) {
      case F32 -> Bound.absolute(MOST * 0x1p-21);
      case F16 -> new Bound(0x1p-10, 1e-5);
      default -> new Bound(0x1p-9, step(type));
    };
  }

  /**
   * Against keys rotated once: those that are moved were rounded before, and perhaps twice. A turn
   * mixes the errors of two elements; that of a rounding to blocks is half a step, in Q4_0 a whole
   * one at the end where the largest element is not.
   */
  private static Bound otherRotation(DataType type) {
    return switch (type) {
      case F32 -> Bound.absolute(MOST * 0x1p-21);
      case F16 -> Bound.absolute(MOST * 0x1p-9);
      default -> Bound.absolute(3 * step(type));
    };
  }

  /** From code to code, with the largest scale. */
  private static double step(DataType type) {
    return MOST / (type == DataType.Q8_0 ? 127.0 : 8);
  }

  private Stream<DynamicTest> each(Check check) {
    List<DynamicTest> tests = new ArrayList<>();
    for (DataType kv : List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0)) {
      for (TestModel m :
          List.of(
              TestModel.gemma3(DataType.F32, SEED),
              TestModel.gptOss(DataType.F32, SEED),
              TestModel.gemma4(DataType.F32, SEED))) {
        tests.add(
            DynamicTest.dynamicTest(
                m.source().name() + " " + kv,
                () -> {
                  try (ModelSession s =
                      new ModelSession(backend(), m, spec -> spec.withKvType(kv))) {
                    check.run(m, s);
                  }
                }));
      }
    }
    return chosen(tests);
  }

  /** What the first layer stores depends on the token and its position only. */
  @TestFactory
  public Stream<DynamicTest> movedKeysAreThoseOfTheirNewPosition() {
    return each((m, s) -> {
      int by = 7;
      s.runner().add(0, TEXT).run();
      s.runner().add(1, Arrays.copyOf(TEXT, by)).add(1, TEXT).run();
      KvStorage kv = s.chain().program().kv();
      Bound bound = otherRotation(kv.format().type());
      KvSlot first = kv.format().slots().getFirst();
      int group = m.graph().group(first.mask()).index();
      MemorySegment here = cells(s.runner().cells(group, 0), 0);
      MemorySegment there = cells(s.runner().cells(group, 1), by);
      kv.shiftKeys(first, here, by);
      checkKeys("up", kv, first, keys(kv, first, there), here, bound);
      kv.shiftKeys(first, there, -by);
      kv.shiftKeys(first, here, -by);
      checkKeys("down", kv, first, keys(kv, first, there), here, bound);
    });
  }

  /** Cells of a text at positions from one on. */
  private static MemorySegment cells(Map<Integer, Integer> cells, int from) {
    int[] all = new int[TEXT.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = cells.getOrDefault(from + i, -1);
    }
    return ints(all);
  }

  private static MemorySegment ints(int... numbers) {
    return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_INT, numbers);
  }

  private static void checkKeys(
      String what,
      KvStorage kv,
      KvSlot slot,
      List<float[]> want,
      MemorySegment cells,
      Bound bound) {
    List<float[]> got = keys(kv, slot, cells);
    for (int i = 0; i < want.size(); i++) {
      bound.check(what + ", slot " + slot.index() + ", row " + i, want.get(i), got.get(i));
    }
  }

  private static MemorySegment rows(KvStorage kv, KvSlot slot, MemorySegment cells) {
    long bytes = kv.format().rowBytes(slot) * (cells.byteSize() / Integer.BYTES);
    MemorySegment rows = Arena.ofAuto().allocate(bytes, 64);
    kv.exportRows(slot, cells, rows);
    return rows;
  }

  private static List<float[]> keys(KvStorage kv, KvSlot slot, MemorySegment cells) {
    MemorySegment rows = rows(kv, slot, cells);
    List<float[]> all = new ArrayList<>();
    long rowBytes = kv.format().rowBytes(slot);
    for (long at = 0; at < rows.byteSize(); at += rowBytes) {
      float[] key = new float[slot.keyWidth()];
      RowDecoder.decode(kv.format().type(), rows.asSlice(at, rowBytes), key);
      all.add(key);
    }
    return all;
  }

  /** In every slot, by little and by much; the reference rotates in double precision. */
  @TestFactory
  public Stream<DynamicTest> movedKeysAreThoseOfTheReference() {
    return each((m, s) -> {
      s.runner().add(2, TEXT).run();
      KvStorage kv = s.chain().program().kv();
      try (ModelSession oracle =
          new ModelSession(
              new ReferenceBackend(), m, spec -> spec.withKvType(kv.format().type()))) {
        KvStorage reference = oracle.chain().program().kv();
        int[] to = new int[TEXT.length];
        Arrays.setAll(to, i -> 100 - 3 * i);
        MemorySegment there = ints(to);
        for (KvSlot slot : kv.format().slots()) {
          int group = m.graph().group(slot.mask()).index();
          for (int by : new int[] {-1, 3, -1000, 100_000}) {
            MemorySegment here = cells(s.runner().cells(group, 2), 0);
            reference.importRows(kv.format(), slot, there, rows(kv, slot, here));
            reference.shiftKeys(slot, there, by);
            kv.shiftKeys(slot, here, by);
            Bound bound = sameRotation(kv.format().type());
            checkKeys("by " + by, kv, slot, keys(reference, slot, there), here, bound);
          }
        }
      }
    });
  }

  /** Values, other cells and other slots stay as they are, bit by bit. */
  @TestFactory
  public Stream<DynamicTest> nothingButTheNamedKeysChanges() {
    return each((m, s) -> {
      s.runner().add(0, TEXT).add(1, TEXT).run();
      KvStorage kv = s.chain().program().kv();
      List<KvSlot> slots = kv.format().slots();
      int[] all = new int[ModelSession.CELLS];
      Arrays.setAll(all, i -> i);
      List<MemorySegment> before = slots.stream().map(t -> rows(kv, t, ints(all))).toList();
      KvSlot moved = slots.get(1);
      kv.shiftKeys(moved, ints(2, 5), 9);
      for (KvSlot slot : slots) {
        MemorySegment was = before.get(slot.index());
        MemorySegment is = rows(kv, slot, ints(all));
        long rowBytes = kv.format().rowBytes(slot);
        long keyBytes = kv.format().type().bytes(slot.keyWidth());
        for (int cell : all) {
          boolean named = slot.equals(moved) && (cell == 2 || cell == 5);
          long skip = named ? keyBytes : 0;
          long at = cell * rowBytes + skip;
          MemorySegment rest = is.asSlice(at, rowBytes - skip);
          long mismatch = was.asSlice(at, rowBytes - skip).mismatch(rest);
          Assertions.assertEquals(-1, mismatch, "slot " + slot.index() + ", cell " + cell);
          if (named) {
            long key = cell * rowBytes;
            Assertions.assertTrue(
                was.asSlice(key, keyBytes).mismatch(is.asSlice(key, keyBytes)) >= 0,
                "the key of cell " + cell + " did not change");
          }
        }
      }
    });
  }

  /** Wrong slots and cells. */
  @Test
  public void slotsAndCellsThatDoNotFitAreRefused() {
    TestModel m = TestModel.gemma3(DataType.F32, SEED);
    try (ModelSession s = new ModelSession(backend(), m);
        ModelSession other = new ModelSession(backend(), TestModel.gemma4(DataType.F32, SEED))) {
      KvStorage kv = s.chain().program().kv();
      Assertions.assertEquals(List.of(), kv.shiftProblems());
      KvSlot slot = kv.format().slots().getFirst();
      KvSlot foreign = other.chain().program().kv().format().slots().getLast();
      refused(kv, foreign, 0);
      refused(kv, slot, ModelSession.CELLS);
      refused(kv, slot, -1);
      kv.shiftKeys(slot, ints(0, ModelSession.CELLS - 1), 1);
      kv.shiftKeys(slot, ints(), 1);
    }
  }

  private static void refused(KvStorage kv, KvSlot slot, int cell) {
    Assertions.assertThrows(
        IllegalArgumentException.class, () -> kv.shiftKeys(slot, ints(cell), 1));
  }
}
