package dev.serval.bench.peers;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What an engine is asked to do, and how often in one process. */
sealed interface Work {

  /** What a figure says. */
  enum Unit {
    TOKENS_PER_SECOND("tokens/s"),
    TEXTS_PER_SECOND("texts/s"),
    MILLIS("ms"),
    OF_ONE_THREAD_ALONE("× one thread alone");

    private final String text;

    Unit(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** One figure of the work. */
  record Test(String name, Unit unit) {}

  /** The figures it brings, in order. */
  List<Test> tests();

  /** Processes started for so many rounds. */
  default int rounds(int asked) {
    return asked;
  }

  /**
   * One generation alone.
   *
   * @param prompt tokens of the prompt whose prefill is measured; 0 leaves it out
   * @param generated tokens whose decode is measured
   * @param depth tokens in the cache before decode begins
   * @param cacheType type of cached keys and values, such as {@code f16}
   */
  record Generate(int prompt, int generated, int depth, String cacheType) implements Work {

    /** Repetitions in one process. */
    static final int REPETITIONS = 3;

    @Override
    public List<Test> tests() {
      List<Test> tests = new ArrayList<>();
      if (prompt > 0) {
        tests.add(new Test(prefill(), Unit.TOKENS_PER_SECOND));
      }
      tests.add(new Test(decode(), Unit.TOKENS_PER_SECOND));
      return tests;
    }

    String prefill() {
      return "prefill " + prompt;
    }

    String decode() {
      return "decode "
          + generated
          + (depth == 0 ? "" : " behind " + depth + " in " + cacheType.toUpperCase(Locale.ROOT));
    }

    /** A cache that has to be filled takes minutes: a process gives all its repetitions then. */
    @Override
    public int rounds(int asked) {
      return depth == 0 ? asked : Math.ceilDiv(asked, REPETITIONS);
    }
  }

  /**
   * Texts turned into vectors in one request.
   *
   * @param tokens tokens of each text
   * @param texts texts
   */
  record Embed(int tokens, int texts) implements Work {

    /** Repetitions in one process: processor time is counted in hundredths of a second. */
    static final int REPETITIONS = 21;

    @Override
    public List<Test> tests() {
      return List.of(wall(), cpu());
    }

    Test wall() {
      return texts == 1
          ? new Test("text of " + tokens + " tokens", Unit.MILLIS)
          : new Test(texts + " texts of " + tokens + " tokens", Unit.TEXTS_PER_SECOND);
    }

    Test cpu() {
      return new Test(wall().name() + ", CPU time of one", Unit.MILLIS);
    }
  }

  /**
   * Several generations at once, each from a prompt of one token.
   *
   * @param sequences generations
   * @param generated tokens of each
   */
  record Concurrent(int sequences, int generated) implements Work {

    @Override
    public List<Test> tests() {
      return List.of(new Test(name(), Unit.TOKENS_PER_SECOND));
    }

    String name() {
      return sequences + " × decode " + generated + " at once";
    }
  }

  /**
   * One generation while another process keeps a core busy, measured by the same generation on one
   * thread with the machine to itself.
   *
   * @param alone the generation
   */
  record Beside(Generate alone) implements Work {

    @Override
    public List<Test> tests() {
      return alone.tests().stream()
          .map(t -> new Test(t.name() + " beside a busy process", Unit.OF_ONE_THREAD_ALONE))
          .toList();
    }
  }
}
