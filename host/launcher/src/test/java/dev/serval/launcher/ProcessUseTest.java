package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ProcessUseTest {

  @Test
  void readsAFieldOfTheKernel() {
    List<String> status = List.of("Name:\tjava", "VmHWM:\t  132096 kB", "Threads:\t12");
    assertEquals(OptionalLong.of(135_266_304), ProcessUse.kilobytes(status, "VmHWM"));
    assertEquals(OptionalLong.empty(), ProcessUse.kilobytes(status, "VmRSS"));
    assertEquals(OptionalLong.empty(), ProcessUse.kilobytes(status, "Threads"));
  }

  @Test
  void countsWhatThreadsAllocate() {
    ProcessUse before = ProcessUse.now();
    byte[][] kept = new byte[64][];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = new byte[1 << 16];
    }
    ProcessUse after = ProcessUse.now();
    assertTrue(after.allocatedSince(before) >= kept.length << 16, after + " after " + before);
    assertTrue(after.cpuSecondsSince(before) >= 0, after + " after " + before);
  }

  @Test
  void leavesOpenWhatTheJvmDoesNotTell() {
    ProcessUse unknown = new ProcessUse(-1, -1);
    assertTrue(Double.isNaN(ProcessUse.now().cpuSecondsSince(unknown)));
    assertTrue(Double.isNaN(ProcessUse.now().allocatedSince(unknown)));
  }
}
