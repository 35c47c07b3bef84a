package dev.serval.engine.grammar.json;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.grammar.GrammarLimits;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;

/** Reads JSON text with Jackson. Confined to one thread. */
final class JsonReader {

  /** Characters of a number. */
  private static final int NUMBER_CHARS = 100;

  /** Digits before or behind the point of a number, once it is written out. */
  private static final int NUMBER_SCALE = 100;

  private final JsonParser parser;

  private JsonReader(JsonParser parser) {
    this.parser = parser;
  }

  /**
   * Reads one value.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID}) if it is not JSON, or an object has
   *     a name twice; ({@code GRAMMAR_LIMIT}) if it is too long or nested too deep
   */
  static Json read(String text, GrammarLimits limits) {
    if (text.length() > limits.textChars()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "schema: expected at most " + limits.textChars() + " characters, got " + text.length());
    }
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(limits.nesting())
                    .maxNumberLength(NUMBER_CHARS)
                    .maxStringLength(limits.textChars())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), text)) {
      JsonReader reader = new JsonReader(parser);
      Json value = reader.value(parser.nextToken(), "");
      if (parser.nextToken() != null) {
        throw invalid("expected one JSON value, got more behind it");
      }
      return value;
    } catch (StreamConstraintsException e) {
      throw new RequestRejectedException(Reason.GRAMMAR_LIMIT, "schema: " + e.getOriginalMessage());
    } catch (JacksonException e) {
      throw invalid(
          "expected JSON, got something else in line "
              + e.getLocation().getLineNr()
              + ", column "
              + e.getLocation().getColumnNr()
              + ": "
              + e.getOriginalMessage());
    }
  }

  private static RequestRejectedException invalid(String message) {
    return new RequestRejectedException(Reason.GRAMMAR_INVALID, "schema: " + message);
  }

  private Json value(JsonToken token, String pointer) {
    return switch (token) {
      case START_OBJECT -> object(pointer);
      case START_ARRAY -> array(pointer);
      case VALUE_STRING -> new Json.Str(pointer, parser.getString());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(pointer);
      case VALUE_TRUE -> new Json.Bool(pointer, true);
      case VALUE_FALSE -> new Json.Bool(pointer, false);
      case VALUE_NULL -> new Json.Null(pointer);
      case null, default -> throw invalid("expected a JSON value, got none at \"" + pointer + "\"");
    };
  }

  private Json number(String pointer) {
    BigDecimal value = parser.getDecimalValue();
    if (Math.abs((long) value.scale()) > NUMBER_SCALE) {
      throw invalid(
          "expected a number of at most " + NUMBER_SCALE + " digits at \"" + pointer + "\"");
    }
    return new Json.Num(pointer, parser.getString(), value);
  }

  private Json object(String pointer) {
    Map<String, Json> members = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      members.put(name, value(parser.nextToken(), child(pointer, name)));
    }
    return new Json.Obj(pointer, members);
  }

  private Json array(String pointer) {
    List<Json> items = new ArrayList<>();
    for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
      items.add(value(t, child(pointer, Integer.toString(items.size()))));
    }
    return new Json.Arr(pointer, items);
  }

  /** The pointer of a member: RFC 6901 §3. */
  static String child(String pointer, String name) {
    return pointer + "/" + name.replace("~", "~0").replace("/", "~1");
  }
}
