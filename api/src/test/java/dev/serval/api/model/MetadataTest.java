package dev.serval.api.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class MetadataTest {

  private final Metadata m =
      new Metadata.Builder()
          .put("n", 5)
          .put("x", 0.5)
          .put("on", true)
          .put("name", "gemma3")
          .put("ids", new long[] {1, 2})
          .put("floats", new double[] {0.25})
          .put("flags", new boolean[] {true, false})
          .put("texts", TextArray.of("a", "ß", ""))
          .build();

  private static void refused(Reason reason, Executable call, String... parts) {
    ModelRefusedException e = assertThrows(ModelRefusedException.class, call);
    assertEquals(reason, e.reason());
    for (String part : parts) {
      assertTrue(e.toString().contains(part), () -> e + " should contain " + part);
    }
  }

  @Test
  void gettersReadTheirType() {
    assertEquals(5, m.integer("n").orElseThrow());
    assertEquals(0.5, m.real("x").orElseThrow());
    assertEquals(5.0, m.real("n").orElseThrow());
    assertEquals(Optional.of(true), m.bool("on"));
    assertEquals(Optional.of(true), m.bool("n"));
    assertEquals(Optional.of("gemma3"), m.text("name"));
    assertArrayEquals(new long[] {1, 2}, m.integers("ids").orElseThrow());
    assertArrayEquals(new long[] {1, 0}, m.integers("flags").orElseThrow());
    assertArrayEquals(new double[] {0.25}, m.reals("floats").orElseThrow());
    assertEquals("ß", m.texts("texts").orElseThrow().get(1));
  }

  @Test
  void absentKeysAreEmptyUnlessRequired() {
    assertTrue(m.integer("no").isEmpty());
    assertTrue(m.real("no").isEmpty());
    assertTrue(m.bool("no").isEmpty());
    assertTrue(m.text("no").isEmpty());
    assertTrue(m.integers("no").isEmpty());
    assertEquals(9, m.intOr("no", 0, 10, 9));
    assertEquals(2.5, m.positiveOr("no", 2.5));
    refused(Reason.KEY_MISSING, () -> m.requireText("no"), "no");
    refused(Reason.KEY_MISSING, () -> m.requireInt("no", 0, 1), "no");
  }

  @Test
  void otherTypesAreRefusedWithKeyExpectedAndGot() {
    refused(Reason.KEY_INVALID, () -> m.integer("x"), "x", "an integer", "float 0.5");
    refused(Reason.KEY_INVALID, () -> m.real("name"), "name", "a float", "6 characters");
    refused(Reason.KEY_INVALID, () -> m.bool("name"), "a boolean");
    refused(Reason.KEY_INVALID, () -> m.text("ids"), "a text", "2 integers");
    refused(Reason.KEY_INVALID, () -> m.texts("flags"), "2 booleans");
    refused(Reason.KEY_INVALID, () -> m.reals("texts"), "3 texts");
  }

  @Test
  void numbersOutsideTheirRangeAreRefused() {
    assertEquals(5, m.requireInt("n", 5, 5));
    refused(Reason.KEY_INVALID, () -> m.requireInt("n", 6, 9), "6..9", "got 5");
    refused(Reason.KEY_INVALID, () -> m.intOr("n", 0, 4, 1), "0..4");
    Metadata bad =
        new Metadata.Builder()
            .put("zero", 0)
            .put("nan", Double.NaN)
            .put("inf", Double.POSITIVE_INFINITY)
            .build();
    for (String key : bad.keys()) {
      refused(Reason.KEY_INVALID, () -> bad.positiveOr(key, 1), key);
    }
  }

  @Test
  void arraysAreCopies() {
    m.integers("ids").orElseThrow()[0] = 99;
    assertArrayEquals(new long[] {1, 2}, m.integers("ids").orElseThrow());
    assertTrue(m.isArray("ids"));
    assertTrue(m.isArray("texts"));
    assertFalse(m.isArray("n"));
    assertFalse(m.isArray("no"));
  }

  @Test
  void changedCopiesLeaveTheOriginal() {
    Metadata renamed = m.renamed("n", "count").without("x");
    assertEquals(5, renamed.integer("count").orElseThrow());
    assertFalse(renamed.has("n"));
    assertFalse(renamed.has("x"));
    assertTrue(m.has("n"));
    assertEquals(m.keys(), m.renamed("no", "other").keys());
    assertEquals(7, m.toBuilder().put("n", 7).build().integer("n").orElseThrow());
    assertEquals(List.of("n", "x", "on"), m.keys().stream().limit(3).toList());
  }

  @Test
  void descriptionsAreShort() {
    assertEquals("5", m.describe("n"));
    assertEquals("0.5", m.describe("x"));
    assertEquals("true", m.describe("on"));
    assertEquals("an array of 3 texts", m.describe("texts"));
    assertEquals("", m.describe("no"));
    Metadata longText = new Metadata.Builder().put("t", "x".repeat(500)).build();
    assertEquals(201, longText.describe("t").length());
  }

  @Test
  void sourceNamesAllAcceptedTensors() {
    ModelSource source = new ModelSource("file.gguf", m, List.of());
    refused(
        Reason.TENSOR_MISSING,
        () -> source.tensor("output.weight", "token_embd.weight"),
        "file.gguf",
        "output.weight",
        "token_embd.weight");
    refused(Reason.KEY_MISSING, source::architecture, "general.architecture");
  }
}
