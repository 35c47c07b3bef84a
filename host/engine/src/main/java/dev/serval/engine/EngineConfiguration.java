package dev.serval.engine;

import dev.serval.api.settings.Setting;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/**
 * What Config Admin may set of the engine, for the tools of OSGi. Repeats the rows of {@link
 * Setting} that belong to {@link Setting#ENGINE}; {@code Settings} reads them, so that what is not
 * configured stays open for the environment.
 */
@ObjectClassDefinition(
    name = "Serval engine",
    description = "Applied while it runs; docs/settings.md says when")
@interface EngineConfiguration {

  @AttributeDefinition(
      description = "Seconds after which a step that has not ended counts as lost",
      required = false,
      min = "1",
      max = "86400",
      defaultValue = "60")
  int serval_step_timeout_seconds();

  @AttributeDefinition(
      description =
          "Seconds without progress after which a consumer is given up; for new generations",
      required = false,
      min = "1",
      max = "86400",
      defaultValue = "60")
  int serval_consumer_timeout_seconds();

  @AttributeDefinition(
      description = "Memory for what a consumer has not taken yet; for new generations",
      required = false,
      defaultValue = "256K")
  String serval_consumer_ring_bytes();

  @AttributeDefinition(
      description = "Requests of one model that may wait for a place; more are refused",
      required = false,
      min = "1",
      max = "1000000",
      defaultValue = "256")
  int serval_queue_bound();

  @AttributeDefinition(
      description =
          "Steps that are checked before they are computed: all, the first of each shape, none",
      required = false,
      options = {@Option("full"), @Option("once"), @Option("off")},
      defaultValue = "full")
  String serval_validation();

  @AttributeDefinition(
      description = "Whether the time of matmul and attention is measured",
      required = false,
      options = {@Option("on"), @Option("off")},
      defaultValue = "on")
  String serval_metrics_time();

  @AttributeDefinition(
      description = "Tokens a sequence may hold, at most as many as the model was trained for",
      required = false,
      min = "1",
      max = "2147483647",
      defaultValue = "16384")
  int serval_context_length();

  @AttributeDefinition(
      description = "Generations of one model that run at once",
      required = false,
      min = "1",
      max = "64",
      defaultValue = "4")
  int serval_parallel();

  @AttributeDefinition(
      description = "Prompt tokens computed in one step",
      required = false,
      min = "1",
      max = "1048576",
      defaultValue = "256")
  int serval_chunk_tokens();

  @AttributeDefinition(
      description = "Element type of the cache, as far as the backend has it",
      required = false,
      options = {@Option("f32"), @Option("f16"), @Option("q8_0"), @Option("q4_0")},
      defaultValue = "f16")
  String serval_kv_type();

  @AttributeDefinition(
      description =
          "Positions kept beyond each window, so that a text may go back as far at no cost",
      required = false,
      min = "0",
      max = "2147483647",
      defaultValue = "512")
  int serval_window_memory();

  @AttributeDefinition(
      description =
          "Memory of a model for copies of windows, from which texts go on that go back further",
      required = false,
      defaultValue = "1G")
  String serval_checkpoint_memory();

  @AttributeDefinition(
      description = "Weights used as the file has them stay in the mapped file, or are copied",
      required = false,
      options = {@Option("map"), @Option("copy")},
      defaultValue = "map")
  String serval_load_mode();

  @AttributeDefinition(
      description = "Memory that each tier of the pool keeps for later leases",
      required = false,
      defaultValue = "16M")
  String serval_memory_retained();

  @AttributeDefinition(
      description =
          "One lease of so many is tracked until its holder gives it back; 1 for all, 0 for none",
      required = false,
      min = "0",
      max = "2147483647",
      defaultValue = "128")
  int serval_memory_track();
}
