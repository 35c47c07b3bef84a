package dev.serval.it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Recognises stories of the demo model's grammar by backtracking. The notation is defined at the
 * head of {@code stories.grammar}.
 */
final class StoryGrammar {

  private static final Pattern GUARD =
      Pattern.compile("\\G(?:\\[([AB]):(\\w+)\\] |\\[\\+(\\w)\\] )");
  private static final Pattern PART = Pattern.compile("<([\\w-]+)>|\\{(a )?(\\w)(?:\\.(\\w+))?\\}");

  private record Alternative(List<Guard> guards, List<Part> parts) {}

  /** A guard on a subject's class, or (kind empty) on a bound slot. */
  private record Guard(String name, String kind) {}

  private sealed interface Part {
    record Text(String text) implements Part {}

    record Rule(String name) implements Part {}

    record Slot(boolean article, String name, String field) implements Part {}
  }

  private final Map<String, List<Alternative>> rules = new HashMap<>();
  private final Map<String, List<String>> slots = new HashMap<>();
  private final Map<String, Map<String, String>> subjects = new HashMap<>();

  private StoryGrammar() {}

  static StoryGrammar read(Path file) throws IOException {
    StoryGrammar grammar = new StoryGrammar();
    for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
      if (!line.isEmpty() && !line.startsWith("#")) {
        grammar.readLine(line);
      }
    }
    return grammar;
  }

  private void readLine(String line) {
    if (line.startsWith("subject ")) {
      String[] f = line.substring("subject ".length()).split(" \\| ", -1);
      subjects.put(
          f[0].trim(),
          Map.of(
              "",
              f[0].trim(),
              "class",
              f[1].trim(),
              "home",
              f[2].trim(),
              "does",
              f[3].trim(),
              "did",
              f[4].trim()));
      return;
    }
    int colon = line.indexOf(": ");
    String head = line.substring(0, colon);
    String body = line.substring(colon + 2);
    if (head.startsWith("slot ")) {
      List<String> values = new ArrayList<>();
      for (String v : body.split(" \\| ", -1)) {
        values.add(v.trim());
      }
      slots.put(head.substring("slot ".length()), values);
    } else {
      String name = head.replaceFirst("\\*\\d+$", "");
      rules.computeIfAbsent(name, n -> new ArrayList<>()).add(alternative(body));
    }
  }

  private static Alternative alternative(String body) {
    List<Guard> guards = new ArrayList<>();
    Matcher g = GUARD.matcher(body);
    int at = 0;
    while (g.find()) {
      guards.add(
          g.group(3) == null ? new Guard(g.group(1), g.group(2)) : new Guard(g.group(3), ""));
      at = g.end();
    }
    List<Part> parts = new ArrayList<>();
    Matcher m = PART.matcher(body);
    while (m.find(at)) {
      if (m.start() > at) {
        parts.add(new Part.Text(body.substring(at, m.start())));
      }
      if (m.group(1) != null) {
        parts.add(new Part.Rule(m.group(1)));
      } else {
        String field = m.group(4) == null ? "" : m.group(4);
        parts.add(new Part.Slot(m.group(2) != null, m.group(3), field));
      }
      at = m.end();
    }
    if (at < body.length()) {
      parts.add(new Part.Text(body.substring(at)));
    }
    return new Alternative(guards, parts);
  }

  /** Whether a text is a story about two subjects, given as nouns. */
  boolean isStory(String text, String first, String second) {
    Map<String, Map<String, String>> bound = new HashMap<>();
    bound.put("A", subject(first));
    bound.put("B", subject(second));
    return rule("pair", text, 0, bound, (end, b) -> end == text.length());
  }

  private Map<String, String> subject(String noun) {
    Map<String, String> s = subjects.get(noun);
    if (s == null) {
      throw new IllegalArgumentException("not a subject of the grammar: " + noun);
    }
    return s;
  }

  private boolean rule(
      String name,
      String text,
      int at,
      Map<String, Map<String, String>> bound,
      BiPredicate<Integer, Map<String, Map<String, String>>> rest) {
    for (Alternative a : rules.getOrDefault(name, List.of())) {
      boolean allowed =
          a.guards.stream()
              .allMatch(g -> {
                Map<String, String> v = bound.get(g.name);
                return v != null && (g.kind.isEmpty() || g.kind.equals(v.get("class")));
              });
      if (allowed && parts(a.parts, 0, text, at, bound, rest)) {
        return true;
      }
    }
    return false;
  }

  private boolean parts(
      List<Part> parts,
      int index,
      String text,
      int at,
      Map<String, Map<String, String>> bound,
      BiPredicate<Integer, Map<String, Map<String, String>>> rest) {
    if (index == parts.size()) {
      return rest.test(at, bound);
    }
    return switch (parts.get(index)) {
      case Part.Text t ->
          text.startsWith(t.text, at)
              && parts(parts, index + 1, text, at + t.text.length(), bound, rest);
      case Part.Rule r ->
          rule(r.name, text, at, bound, (end, b) -> parts(parts, index + 1, text, end, b, rest));
      case Part.Slot s -> {
        Map<String, String> value = bound.get(s.name);
        if (value != null) {
          String shown = shown(s, value.getOrDefault(s.field, ""));
          yield text.startsWith(shown, at)
              && parts(parts, index + 1, text, at + shown.length(), bound, rest);
        }
        boolean matched = false;
        for (String v : slots.getOrDefault(s.name, List.of())) {
          String shown = shown(s, v);
          if (!matched && text.startsWith(shown, at)) {
            Map<String, Map<String, String>> more = new HashMap<>(bound);
            more.put(s.name, Map.of("", v));
            matched = parts(parts, index + 1, text, at + shown.length(), more, rest);
          }
        }
        yield matched;
      }
    };
  }

  private static String shown(Part.Slot slot, String value) {
    if (!slot.article) {
      return value;
    }
    return ("aeiou".indexOf(value.charAt(0)) >= 0 ? "an " : "a ") + value;
  }
}
