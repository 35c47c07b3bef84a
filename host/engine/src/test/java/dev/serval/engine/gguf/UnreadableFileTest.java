package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Files that cannot be read, or change while they are. */
class UnreadableFileTest {

  @TempDir Path dir;

  private static void unreadable(String message, Executable read) {
    ModelRefusedException e = assertThrows(ModelRefusedException.class, read);
    assertEquals(Reason.UNREADABLE, e.reason());
    assertEquals(message, e.getMessage());
  }

  @Test
  void saysWhy() {
    assertEquals(
        "m: cannot be read: no such file",
        GgufPart.unreadable("m", new NoSuchFileException("/x")).getMessage());
    assertEquals(
        "m: cannot be read: access denied",
        GgufPart.unreadable("m", new AccessDeniedException("/x")).getMessage());
    assertEquals(
        "m: cannot be read: IOException: disk on fire",
        GgufPart.unreadable("m", new IOException("disk on fire")).getMessage());
  }

  @Test
  void refusesFileThatShrinksWhileItsHeaderIsRead() {
    byte[] whole = FieldedFile.example().toArray();
    byte[] cut = Arrays.copyOf(whole, 500);
    FileChannel shrunk = new BytesChannel(cut, whole.length);

    unreadable(
        "m: the file shrank to 500 bytes while magic was read",
        () -> GgufPart.read(dir, "m", shrunk, GgufLimits.DEFAULT));
  }

  @Test
  void refusesFileThatShrinksBehindItsHeader() throws IOException {
    Path path = FieldedFile.example().write(dir.resolve("m"));
    try (GgufPart part = GgufPart.open(path, GgufLimits.DEFAULT);
        FileChannel other = FileChannel.open(path, StandardOpenOption.WRITE)) {
      other.truncate(40);

      unreadable(
          "m: the file shrank to 40 bytes while it was read",
          () -> part.pair("general.architecture"));
      assertThrows(IllegalArgumentException.class, () -> part.pair("absent"));
    }
  }

  @Test
  void refusesFileThatShrankBeforeItIsMapped() throws IOException {
    Path path = FieldedFile.example().write(dir.resolve("m"));
    try (GgufFile file = GgufFile.open(path);
        FileChannel other = FileChannel.open(path, StandardOpenOption.WRITE)) {
      other.truncate(40);

      assertEquals(
          Reason.UNREADABLE, assertThrows(ModelRefusedException.class, file::weights).reason());
    }
  }

  @Test
  void givesNoWeightsAfterClose() throws IOException {
    GgufFile file = GgufFile.open(FieldedFile.example().write(dir.resolve("m")));
    file.close();

    assertThrows(IllegalStateException.class, file::weights);
  }
}
