package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.launcher.ServalProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code serval logits --dump}, as users start it. */
class DumpIT {

  @TempDir private Path temporary;

  private Result logits(String... options) throws IOException, InterruptedException {
    String[] args = new String[4 + options.length];
    System.arraycopy(new String[] {"logits", "demo", "--ids", "2,5,9"}, 0, args, 0, 4);
    System.arraycopy(options, 0, args, 4, options.length);
    return new ServalProcess(temporary).run("", "", args);
  }

  @Test
  void printsAValueOfEachStepPerLineAndNothingElse() throws Exception {
    Result r = logits("--dump", "blk.0.attn_?", "--dump", "logits");
    assertEquals(0, r.code, r.err);
    List<String> lines = r.out.lines().toList();
    assertEquals(4, lines.size(), r.out);
    for (int i = 0; i < 3; i++) {
      String name = "blk.0.attn_" + "qkv".charAt(i);
      assertTrue(
          lines
              .get(i)
              .matches(
                  "\\{\"step\": 0, \"name\": \""
                      + name
                      + "\", \"layer\": 0, \"op\": \"matmul\", \"type\": \"F32\", \"shape\": \\[3,"
                      + " \\d+], \"rows\": \\[\\{\"sequence\": 0, \"position\": 0, \"count\": 3}],"
                      + " \"min\": -.*, \"nonFinite\": 0, \"first\": \\[.*], \"last\": \\[.*]}"),
          lines.get(i));
    }
    assertTrue(lines.get(3).startsWith("{\"step\": 0, \"name\": \"logits\", \"op\": "), r.out);
  }

  @Test
  void writesValuesBesideTheLogits() throws Exception {
    Path plain = temporary.resolve("plain.f32");
    Path beside = temporary.resolve("beside.f32");
    Path values = temporary.resolve("values.jsonl");
    Result without = logits("-o", plain.toString());
    assertEquals(0, without.code, without.err);
    Result with =
        logits("-o", beside.toString(), "--dump", "blk.1.*", "--dump-to", values.toString());
    assertEquals(0, with.code, with.err);
    assertEquals("", with.out);
    assertEquals(-1, Files.mismatch(plain, beside));
    assertTrue(Files.readAllLines(values).size() > 10);
  }

  @Test
  void namesWhatIsLikeAPatternThatMatchesNothing() throws Exception {
    Path values = temporary.resolve("values.jsonl");
    Result r = logits("--dump", "blk.0.attn_x", "--dump-to", values.toString());
    assertEquals(1, r.code, r.out);
    assertTrue(r.err.contains("request.option-invalid"), r.err);
    assertTrue(r.err.contains("blk.0.attn_q"), r.err);
    assertFalse(Files.exists(values));
    Result nothing = logits();
    assertEquals(2, nothing.code, nothing.err);
    assertTrue(nothing.err.contains("--dump"), nothing.err);
  }
}
