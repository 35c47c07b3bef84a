package dev.serval.engine.event;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class FlightRecorderTest {

  @Test
  void isReachableInPlainJava() {
    assertTrue(FlightRecorder.isReachable());
  }

  @Test
  void isNotWhereTheLoaderHidesTheJdk() {
    ClassLoader framework =
        new ClassLoader() {
          @Override
          protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            throw new ClassNotFoundException(name);
          }
        };
    assertFalse(FlightRecorder.find(framework));
  }
}
