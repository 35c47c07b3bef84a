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
  void checkReservesNothing() {
    DeviceBudget budget = new DeviceBudget(100);
    budget.check(100, "a");
    assertEquals(0, budget.reservedBytes());
    assertThrows(OutOfBudgetException.class, () -> budget.check(101, "a"));
  }

  @Test
  void backendsShareTheBudgetOfADevice() {
    DeviceBudgets budgets = new DeviceBudgets();
    assertSame(budgets.of(device("x", "one", 5)), budgets.of(device("x", "two", 5)));
    assertNotSame(budgets.of(device("x", "one", 5)), budgets.of(device("y", "one", 5)));
  }

  @Test
  void limitIsTheMemoryOfTheDeviceUnlessAPropertyStatesOne() {
    assertEquals(5, new DeviceBudgets().of(device("budget-test", "b", 5)).limitBytes());
    assertEquals(
        Long.MAX_VALUE, new DeviceBudgets().of(device("budget-test", "b", 0)).limitBytes());
    System.setProperty(PROPERTY, "3M");
    assertEquals(3L << 20, new DeviceBudgets().of(device("budget-test", "b", 5)).limitBytes());
    System.setProperty(PROPERTY, "1000");
    assertEquals(1000, new DeviceBudgets().of(device("budget-test", "b", 5)).limitBytes());
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
