package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jdk.incubator.vector.Vector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import org.junit.jupiter.api.Test;

/** What keeps vectors in registers whatever the compiler has inlined before. */
class KernelRulesTest {

  private static final List<Class<?>> KINDS =
      List.of(Vector.class, VectorMask.class, VectorShuffle.class);

  /** Classes of the package, nested ones included, tests excluded. */
  private static List<Class<?>> classes()
      throws IOException, URISyntaxException, ClassNotFoundException {
    Path root =
        Path.of(KernelSets.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    String name = KernelSets.class.getPackageName();
    List<Class<?>> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(root.resolve(name.replace('.', '/')))) {
      for (Path file : files.toList()) {
        String simple = file.getFileName().toString().replace(".class", "");
        if (!simple.equals("package-info")) {
          all.add(Class.forName(name + "." + simple));
        }
      }
    }
    return all;
  }

  private static boolean isVector(Class<?> type) {
    return KINDS.stream().anyMatch(k -> k.isAssignableFrom(type));
  }

  /** A call that the compiler does not inline boxes its vectors, and callers have a budget. */
  @Test
  void noVectorCrossesTheBoundaryOfAMethod() throws Exception {
    List<String> found = new ArrayList<>();
    List<Class<?>> classes = classes();
    for (Class<?> c : classes) {
      for (Method m : c.getDeclaredMethods()) {
        if (isVector(m.getReturnType())
            || Stream.of(m.getParameterTypes()).anyMatch(KernelRulesTest::isVector)) {
          found.add(m.toString());
        }
      }
    }
    assertTrue(classes.contains(VectorFunctions.class), classes.toString());
    assertEquals(List.of(), found);
  }
}
