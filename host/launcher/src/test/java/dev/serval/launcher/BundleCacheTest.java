package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleCacheTest {

  @TempDir private Path root;

  @Test
  void givesTwoHoldersDifferentFolders() throws IOException {
    List<Path> bundles = List.of(jar("a.jar"));
    try (BundleCache first = BundleCache.open(root, bundles);
        BundleCache second = BundleCache.open(root, bundles)) {
      assertNotEquals(first.folder(), second.folder());
    }
  }

  @Test
  void givesTheSameFolderAgainWhenItIsFree() throws IOException {
    List<Path> bundles = List.of(jar("a.jar"));
    BundleCache first = BundleCache.open(root, bundles);
    Path folder = first.folder();
    Files.writeString(folder.resolve("kept"), "");
    first.close();
    try (BundleCache again = BundleCache.open(root, bundles)) {
      assertEquals(folder, again.folder());
      assertTrue(Files.exists(folder.resolve("kept")), "an installed bundle is found again");
    }
  }

  @Test
  void takesANewFolderForChangedBundlesAndRemovesTheOldOne() throws IOException {
    Path jar = jar("a.jar");
    BundleCache before = BundleCache.open(root, List.of(jar));
    Path old = before.folder();
    before.close();
    Files.setLastModifiedTime(jar, FileTime.fromMillis(1));
    try (BundleCache after = BundleCache.open(root, List.of(jar))) {
      assertNotEquals(old, after.folder());
      assertFalse(Files.exists(old), "the old bundle set is gone");
    }
  }

  @Test
  void keepsTheFolderOfAnotherBundleSetThatIsInUse() throws IOException {
    try (BundleCache busy = BundleCache.open(root, List.of(jar("a.jar")));
        BundleCache other = BundleCache.open(root, List.of(jar("b.jar")))) {
      assertTrue(Files.exists(busy.folder()));
      assertTrue(Files.exists(other.folder()));
    }
  }

  private Path jar(String name) throws IOException {
    return Files.writeString(root.resolve(name), name);
  }
}
