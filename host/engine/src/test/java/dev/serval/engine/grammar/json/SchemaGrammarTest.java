package dev.serval.engine.grammar.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.grammar.Expr;
import dev.serval.engine.grammar.GrammarLimits;
import dev.serval.engine.grammar.GrammarWalk;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What single keywords mean, and what is refused. */
class SchemaGrammarTest {

  private static boolean matches(String schema, String json) {
    return GrammarWalk.matches(SchemaGrammar.of(schema, GrammarLimits.DEFAULT), json);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{'type':'boolean'} ~ true ~ 1",
        "{'type':'integer'} ~ -12 ~ 1.0",
        "{'type':'number'} ~ -1.5e-3 ~ 01",
        "{'type':'string'} ~ \"a\\n\\u00e9\\ud83d\\ude00é\" ~ \"\\ud83d\"",
        "{'type':'string','minLength':2,'maxLength':3} ~ \"日\\n😀\" ~ \"a\"",
        "{'type':'string','format':'date'} ~ \"2024-02-29\" ~ \"2023-02-29\"",
        "{'type':'string','format':'date'} ~ \"2023-12-31\" ~ \"2023-11-31\"",
        "{'type':'string','format':'date'} ~ \"2023-02-28\" ~ \"2023-00-10\"",
        "{'type':'string','format':'time'} ~ \"23:59:59.5+01:00\" ~ \"24:00:00Z\"",
        "{'type':'object'} ~ {\"a\": [1, {}]} ~ []",
        "{'type':'array'} ~ [1, [\"a\"], {}] ~ {}",
        "{'const':'a\\\"b'} ~ \"a\\\"b\" ~ \"a\"",
        "{'properties':{'a':{'type':'null'}}} ~ {} ~ {\"b\":null}",
        "{'type':'string','pattern':'^\\\\w+@\\\\w+\\\\.com$'} ~ \"me@x.com\" ~ \"me@x.org\"",
        "{'allOf':[{'type':'integer','minimum':3},{'type':'number','maximum':5}]} ~ 4 ~ 6",
        "{'anyOf':[{'type':'integer'},{'type':'string'}]} ~ 4 ~ true",
        "{'$ref':'#/$defs/a','$defs':{'a':{'type':'integer'}}} ~ 4 ~ true",
        "{'$ref':'#/$defs/a','minimum':3,'$defs':{'a':{'type':'integer'}}} ~ 3 ~ 2",
        "{'type':'array','prefixItems':[{'const':1}],'items':{'const':2}} ~ [1, 2, 2] ~ [2]",
        "{'type':'object','properties':{'ab':{'const':1}},'additionalProperties':true}"
            + " ~ {\"ac\": 2, \"a\": 3} ~ {\"a\\u0062\": 2}",
        "{'type':'integer','multipleOf':1,'minimum':0} ~ 7 ~ -7",
        "{'type':'number','multipleOf':0.01} ~ 7.25 ~ 7.255",
      })
  void keepsTo(String schema, String matching, String other) {
    String json = schema.replace('\'', '"');
    assertTrue(matches(json, matching), matching);
    assertFalse(matches(json, other), other);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{'not':{}} ~ /not ~ \"not\"",
        "{'properties':{'a':{'uniqueItems':true}}} ~ /properties/a/uniqueItems ~ uniqueItems",
        "{'type':'object','patternProperties':{}} ~ /patternProperties ~ patternProperties",
        "{'type':'object','minProperties':1} ~ /minProperties ~ minProperties",
        "{'minlength':3} ~ /minlength ~ minlength",
        "{'if':{}} ~ /if ~ if",
        "{'type':'int'} ~ /type ~ one of",
        "{'type':[]} ~ /type ~ at least one",
        "{'type':'integer','multipleOf':3} ~  ~ multipleOf",
        "{'type':'string','pattern':'(?=a)'} ~ /pattern ~ (?=",
        "{'type':'string','pattern':'(a'} ~ /pattern ~ without end",
        "{'type':'string','pattern':'\\\\p{L}'} ~ /pattern ~ supported",
        "{'type':'string','pattern':'a+','maxLength':3} ~  ~ implies",
        "{'type':'string','minLength':3,'maxLength':2} ~  ~ minLength",
        "{'type':'string','minLength':-1} ~ /minLength ~ from 0",
        "{'type':'integer','minimum':3,'maximum':2} ~  ~ bounds",
        "{'type':'array','minItems':3,'maxItems':2} ~  ~ minItems",
        "{'enum':[]} ~  ~ a value",
        "{'enum':[1],'minimum':0} ~  ~ no other keyword",
        "{'const':1,'type':'string'} ~  ~ a value",
        "{'anyOf':[]} ~ /anyOf ~ at least one",
        "{'anyOf':{}} ~ /anyOf ~ a list",
        "{'properties':[]} ~ /properties ~ an object",
        "{'properties':{'a':3}} ~ /properties/a ~ a schema",
        "{'$ref':'#/$defs/no'} ~  ~ to something",
        "{'$ref':'http://example.org/x'} ~  ~ into this schema",
        "{'properties':{'a':false},'required':['a']} ~ /properties/a ~ required property",
        "{'allOf':[{'type':'string'},{'type':'integer'}]} ~ /allOf/1/type ~ a type",
        "{'allOf':[{'pattern':'a'},{'pattern':'b'}]} ~ /allOf/1/pattern ~ the same",
        "false ~  ~ some value",
        "3 ~  ~ a schema",
      })
  void refuses(String schema, String pointer, String what) {
    RequestRejectedException e = refusal(schema.replace('\'', '"'));

    assertEquals(Reason.GRAMMAR_INVALID, e.reason());
    String message = String.valueOf(e.getMessage());
    assertTrue(
        message.startsWith("schema, \"" + (pointer == null ? "" : pointer) + "\": "), message);
    assertTrue(message.contains(what), message);
  }

  @Test
  void escapesPointers() {
    String message = String.valueOf(refusal("{\"a/b~c\":1}").getMessage());
    assertTrue(message.startsWith("schema, \"/a~1b~0c\": "), message);
  }

  private static RequestRejectedException refusal(String schema) {
    return assertThrows(
        RequestRejectedException.class, () -> SchemaGrammar.of(schema, GrammarLimits.DEFAULT));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{\"type\": ~ line 1",
        "{\"type\":\"string\",\"type\":\"integer\"} ~ type",
        "{} {} ~ one JSON value",
        "` ` ~ JSON value",
        "{\"minimum\":1e999999999} ~ digits",
      })
  void refusesWhatIsNoJson(String schema, String what) {
    RequestRejectedException e = refusal(schema);

    assertEquals(Reason.GRAMMAR_INVALID, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains(what), e::getMessage);
  }

  @Test
  void refusesSchemasThatAreTooDeepOrEndless() {
    String deep = "{\"items\":".repeat(10_000) + "{}" + "}".repeat(10_000);
    assertEquals(Reason.GRAMMAR_LIMIT, refusal(deep).reason());
    for (String endless :
        new String[] {
          "{\"$ref\":\"#\"}",
          "{\"allOf\":[{\"$ref\":\"#\"}]}",
          "{\"$ref\":\"#\",\"type\":\"string\"}",
          "{\"anyOf\":[{\"$ref\":\"#\"}],\"type\":\"string\"}"
        }) {
      assertThrows(RequestRejectedException.class, () -> matches(endless, "1"), endless);
    }
  }

  @Test
  void takesTheDeepestSchemaThatIsAllowed() {
    int n = GrammarLimits.DEFAULT.nesting() - 1;
    String deep = "{\"items\":".repeat(n) + "{}" + "}".repeat(n);

    assertTrue(matches(deep, "[".repeat(n) + "]".repeat(n)));
  }

  @Test
  void readsReferencesThatRemarksOrOtherKeywordsAccompany() {
    String node =
        """
        {"properties": {"v": {"type": "integer"},
                        "next": {"allOf": [{"$ref": "#"}], "description": "the next one"},
                        "more": {"$ref": "#", "required": ["v"]}},
         "type": "object"}\
        """;

    assertTrue(matches(node, "{\"next\":{\"next\":{\"v\":1}}}"));
    assertTrue(matches(node, "{\"more\":{\"v\":1,\"more\":{\"v\":2}}}"));
    assertFalse(matches(node, "{\"more\":{\"next\":{}}}"));
  }

  @Test
  void takesThousandsOfPropertiesAndItems() {
    StringBuilder properties = new StringBuilder();
    StringBuilder items = new StringBuilder();
    for (int i = 0; i < 3_000; i++) {
      properties.append(i == 0 ? "" : ",").append("\"p").append(i).append("\":{\"const\":1}");
      items.append(i == 0 ? "" : ",").append("{\"const\":1}");
    }
    String object = "{\"properties\":{" + properties + "},\"required\":[\"p7\"]}";
    assertTrue(matches(object, "{\"p3\":1,\"p7\":1,\"p2999\":1}"));
    assertFalse(matches(object, "{\"p3\":1,\"p8\":1}"));
    String array = "{\"prefixItems\":[" + items + "],\"minItems\":2}";
    assertTrue(matches(array, "[1,1,1]"));
    assertFalse(matches(array, "[1]"));
  }

  @Test
  void refusesAlternativesThatMultiply() {
    String many =
        IntStream.range(0, 30)
            .mapToObj(
                i -> "{\"anyOf\":[{\"minLength\":" + i + "},{\"maxLength\":" + (99 - i) + "}]}")
            .collect(Collectors.joining(",", "{\"allOf\":[", "]}"));
    RequestRejectedException e = refusal(many);

    assertTrue(String.valueOf(e.getMessage()).contains("alternatives"), e::getMessage);
  }

  @Test
  void refusesRepetitionsThatAreTooMany() {
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class,
            () -> matches("{\"type\":\"string\",\"minLength\":100000000}", ""));

    assertEquals(Reason.GRAMMAR_LIMIT, e.reason());
  }

  @Test
  void ordersPropertiesAsTheSchemaDoes() {
    String schema =
        """
        {"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}},
         "required": ["b"]}\
        """;

    for (String good :
        new String[] {
          "{\"b\":2}", "{\"a\":1,\"b\":2}", "{\"b\":2,\"c\":3}", "{\"a\":1,\"b\":2,\"c\":3}"
        }) {
      assertTrue(matches(schema, good), good);
    }
    for (String bad : new String[] {"{}", "{\"a\":1}", "{\"b\":2,\"a\":1}", "{,\"b\":2}"}) {
      assertFalse(matches(schema, bad), bad);
    }
  }

  @Test
  void alternativesWithoutValueAreLeftOut() {
    assertTrue(matches("{\"anyOf\":[false,{\"const\":1}]}", "1"));
    assertTrue(matches("{\"items\":false}", "[]"));
    assertFalse(matches("{\"items\":false}", "[1]"));
    assertEquals(Expr.NOTHING, new Expr.Choice(java.util.List.of()));
  }
}
