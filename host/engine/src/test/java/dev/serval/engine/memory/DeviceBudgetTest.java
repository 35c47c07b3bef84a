package dev.serval.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.error.OutOfBudgetException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeviceBudgetTest {

  private static final String PROPERTY = DeviceBudgets.LIMIT_PROPERTY + "budget-test";

  @AfterEach
  void clearProperty() {
    System.clearProperty(PROPERTY);
    System.clearProperty(DeviceBudgets.RESERVE_PROPERTY);
    System.clearProperty(DeviceBudgets.OVERHEAD_PROPERTY);
  }

  @Test
  void reservesUpToTheLimitAndNotAByteMore() {
    DeviceBudget budget = new DeviceBudget(100);
    budget.reserve(60, "a");
    budget.reserve(40, "b");
    OutOfBudgetException refusal =
        assertThrows(OutOfBudgetException.class, () -> budget.reserve(1, "c"));
    assertEquals(1, refusal.requestedBytes());
    assertEquals(0, refusal.availableBytes());
    assertEquals(100, budget.reservedBytes());
    budget.release(40);
    budget.reserve(40, "d");
  }

  @Test
  void doesNotOverflowWithoutALimit() {
    DeviceBudget budget = new DeviceBudget(Long.MAX_VALUE);
    budget.reserve(Long.MAX_VALUE - 1, "a");
    assertThrows(OutOfBudgetException.class, () -> budget.reserve(2, "b"));
  }

  @Test
  void refusesToReleaseMoreThanWasReserved() {
    DeviceBudget budget = new DeviceBudget(100);
    budget.reserve(10, "a");
    assertThrows(IllegalStateException.class, () -> budget.release(11));
    assertEquals(10, budget.reservedBytes());
  }

  @Test
  void holdsAWholePlanBeforeAnythingIsAllocated() {
    DeviceBudget budget = new DeviceBudget(100);
    assertThrows(OutOfBudgetException.class, () -> budget.hold(101, "a"));
    assertEquals(0, budget.reservedBytes());
    try (DeviceBudget.Hold hold = budget.hold(80, "a")) {
      assertEquals(80, budget.reservedBytes());
      assertEquals(0, budget.usedBytes());
      assertEquals(20, budget.availableBytes());
      hold.reserve(50, "a");
      hold.reserve(30, "a");
      assertEquals(80, budget.reservedBytes());
      assertEquals(80, budget.usedBytes());
      assertThrows(OutOfBudgetException.class, () -> budget.reserve(21, "b"));
      hold.release(80);
      assertEquals(80, budget.reservedBytes());
      assertEquals(0, budget.usedBytes());
    }
    assertEquals(0, budget.reservedBytes());
  }

  @Test
  void takesFromTheDeviceWhatExceedsThePlan() {
    DeviceBudget budget = new DeviceBudget(100);
    DeviceBudget.Hold hold = budget.hold(60, "a");
    hold.reserve(90, "a");
    assertEquals(90, budget.reservedBytes());
    OutOfBudgetException refusal =
        assertThrows(OutOfBudgetException.class, () -> hold.reserve(11, "a"));
    assertEquals(1, refusal.missingBytes());
    assertEquals(90, hold.reservedBytes());
    hold.release(85);
    assertEquals(60, budget.reservedBytes());
    assertThrows(IllegalStateException.class, () -> hold.release(6));
    hold.close();
    hold.close();
    assertEquals(0, budget.reservedBytes());
    assertEquals(0, budget.usedBytes());
    assertThrows(IllegalArgumentException.class, () -> hold.reserve(1, "a"));
    assertThrows(IllegalStateException.class, () -> hold.release(5));
  }

  @Test
  void measuresThePeakOfWhatIsAllocated() {
    DeviceBudget budget = new DeviceBudget(100);
    try (DeviceBudget.Hold hold = budget.hold(90, "a")) {
      hold.reserve(40, "a");
      hold.reserve(30, "a");
      hold.release(60);
      hold.reserve(20, "a");
      assertEquals(30, budget.usedBytes());
      assertEquals(70, budget.peakBytes());
      budget.resetPeak();
      assertEquals(30, budget.peakBytes());
      hold.release(30);
    }
    assertEquals(0, budget.usedBytes());
    assertEquals(30, budget.peakBytes());
  }

  @Test
  void setsTheReserveAside() {
    DeviceBudget budget = new DeviceBudget(100, 30);
    assertEquals(70, budget.limitBytes());
    assertEquals(30, budget.reserveBytes());
    assertEquals(0, new DeviceBudget(100, 457).limitBytes());
    assertEquals(Long.MAX_VALUE, new DeviceBudget(Long.MAX_VALUE, 457).limitBytes());
  }

  @Test
  void backendsShareTheBudgetOfADevice() {
    DeviceBudgets budgets = new DeviceBudgets();
    assertSame(budgets.of(device("x", "one", 5)), budgets.of(device("x", "two", 5)));
    assertNotSame(budgets.of(device("x", "one", 5)), budgets.of(device("y", "one", 5)));
  }

  @Test
  void limitIsTheMemoryOfTheDeviceUnlessAPropertyStatesOne() {
    assertEquals(5, new DeviceBudgets().of(device(Device.HOST_ID, "b", 5)).limitBytes());
    assertEquals(
        Long.MAX_VALUE, new DeviceBudgets().of(device("budget-test", "b", 0)).limitBytes());
    System.setProperty(PROPERTY, "3M");
    assertEquals(3L << 20, new DeviceBudgets().of(device("budget-test", "b", 5)).limitBytes());
    System.setProperty(PROPERTY, "1000");
    assertEquals(1000, new DeviceBudgets().of(device("budget-test", "b", 5)).limitBytes());
  }

  @Test
  void reservesMemoryForTheDriverOfADevice() {
    Device device = device("budget-test", "b", 1L << 30);
    assertEquals((1L << 30) - (457L << 20), new DeviceBudgets().of(device).limitBytes());
    assertEquals(0, new DeviceBudgets().of(device("tiny", "b", 100L << 20)).limitBytes());
    System.setProperty(DeviceBudgets.RESERVE_PROPERTY, "0");
    assertEquals(1L << 30, new DeviceBudgets().of(device).limitBytes());
    System.setProperty(DeviceBudgets.RESERVE_PROPERTY, "1MiB");
    System.setProperty(DeviceBudgets.OVERHEAD_PROPERTY, "2MiB");
    assertEquals((1L << 30) - (3L << 20), new DeviceBudgets().of(device).limitBytes());
    System.setProperty(PROPERTY, "10M");
    assertEquals(7L << 20, new DeviceBudgets().of(device).limitBytes());
    assertEquals(3L << 20, new DeviceBudgets().of(device).reserveBytes());
  }

  @Test
  void refusesAPropertyThatIsNotASize() {
    for (String bad : new String[] {"", "M", "-1", "1.5G", "99999999999G"}) {
      System.setProperty(PROPERTY, bad);
      IllegalArgumentException refusal =
          assertThrows(
              IllegalArgumentException.class,
              () -> new DeviceBudgets().of(device("budget-test", "b", 5)));
      assertTrue(String.valueOf(refusal.getMessage()).contains(PROPERTY));
    }
  }

  private static Device device(String id, String backend, long memoryBytes) {
    return new Device(id, backend, "test", new DeviceProfile(memoryBytes, 1, 0, Map.of()));
  }
}
