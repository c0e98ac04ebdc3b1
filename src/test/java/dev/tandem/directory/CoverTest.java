package dev.tandem.directory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.directory.Cover.Member;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.DType;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The search for servers that hold a span together. */
class CoverTest {
  private static final ArithmeticProfile PROFILE =
      new ArithmeticProfile(
          "cafe",
          Set.of(DType.F32),
          ActivationEval.TABLE,
          KvType.F32,
          ArithmeticMode.REPRODUCIBLE,
          256,
          Set.of(),
          "");

  private static Holder holder(String name, Span span, double roundTrip, OptionalDouble layer) {
    return new Holder(
        URI.create("ws://" + name + "/v1/split"),
        "toy",
        12,
        new StageSpec(span, 8, 16, 64),
        PROFILE,
        new Load(roundTrip, layer));
  }

  private static Holder holder(String name, Span span) {
    return holder(name, span, 0, OptionalDouble.empty());
  }

  private static List<String> found(Span wanted, Holder... holders) {
    return Cover.find(List.of(holders), wanted).orElseThrow().members().stream()
        .map(member -> member.holder().server().getHost() + " " + member.span())
        .toList();
  }

  @Test
  void fewestHopsThenTimesThenTheOrder() {
    Holder small = holder("small", Span.layers(0, 4));
    Holder rest = holder("rest", Span.toLogits(4, 12));
    Holder whole = holder("whole", Span.whole(12), 500, OptionalDouble.empty());
    assertThat(found(Span.layers(0, 12), small, rest, whole)).containsExactly("whole layers 0:12");
    assertThat(found(Span.whole(12), small, rest))
        .containsExactly("small layers 0:4", "rest layers 4:12 with head");
    Holder near = holder("near", Span.layers(0, 4), 0, OptionalDouble.empty());
    Holder far = holder("far", Span.layers(0, 4), 20, OptionalDouble.empty());
    assertThat(found(Span.layers(1, 12), far, near, rest))
        .containsExactly("near layers 1:4", "rest layers 4:12");
    assertThat(found(Span.layers(1, 4), small, near)).containsExactly("small layers 1:4");
  }

  @Test
  void theFasterServerTakesTheLayersThatBothHold() {
    Holder slow = holder("slow", Span.layers(0, 8), 0, OptionalDouble.of(30));
    Holder fast = holder("fast", Span.toLogits(4, 12), 0, OptionalDouble.of(1));
    assertThat(found(Span.layers(0, 12), slow, fast))
        .containsExactly("slow layers 0:4", "fast layers 4:12");
    Holder similar = holder("similar", Span.toLogits(4, 12), 0, OptionalDouble.of(29.8));
    assertThat(found(Span.layers(0, 12), slow, similar))
        .containsExactly("slow layers 0:8", "similar layers 8:12");
    Holder silent = holder("silent", Span.toLogits(4, 12));
    assertThat(found(Span.layers(0, 12), slow, silent))
        .containsExactly("slow layers 0:8", "silent layers 8:12");
  }

  @Test
  void theHeadMayBeOnAServerOfItsOwn() {
    Holder layers = holder("layers", Span.layers(0, 12));
    Holder head = holder("head", Span.head(12));
    assertThat(found(Span.toLogits(3, 12), head, layers))
        .containsExactly("layers layers 3:12", "head the head");
    assertThat(found(Span.head(12), layers, head)).containsExactly("head the head");
    assertThat(found(Span.layers(12, 12), head, layers)).containsExactly("head no layers");
  }

  @Test
  void whatIsMissingIsSaid() {
    List<Holder> holders = List.of(holder("a", Span.layers(1, 4)), holder("b", Span.layers(8, 11)));
    assertThat(Cover.find(holders, Span.whole(12))).isEmpty();
    assertThat(Cover.missing(holders, Span.whole(12)))
        .isEqualTo("layer 0, layers 4..7, layer 11 and the head");
    assertThat(Cover.missing(holders, Span.layers(2, 5))).isEqualTo("layer 4");
    assertThat(Cover.missing(holders, Span.layers(1, 4))).isEmpty();
    assertThat(Cover.missing(List.of(), Span.head(12))).isEqualTo("the head");
  }

  /** Against all covers there are, for small models. */
  @Test
  void noCoverIsBetter() {
    long seed = 20261201;
    Random random = new Random(seed);
    int covered = 0;
    for (int round = 0; round < 3000; round++) {
      int nLayers = 1 + random.nextInt(6);
      List<Holder> holders = new ArrayList<>();
      boolean timed = random.nextBoolean();
      for (int i = random.nextInt(6); i >= 0; i--) {
        int begin = random.nextInt(nLayers + 1);
        int end = begin + random.nextInt(nLayers + 1 - begin);
        boolean head = end == nLayers && random.nextBoolean();
        holders.add(
            holder(
                "s" + holders.size(),
                head ? Span.toLogits(begin, end) : Span.layers(begin, end),
                5 * random.nextInt(3),
                timed || random.nextInt(4) > 0
                    ? OptionalDouble.of(random.nextInt(3))
                    : OptionalDouble.empty()));
      }
      int from = random.nextInt(nLayers);
      Span wanted =
          random.nextBoolean() ? Span.toLogits(from, nLayers) : Span.layers(from, nLayers);
      Optional<Cover> found = Cover.find(holders, wanted);
      BruteForce all = new BruteForce(holders, wanted);
      all.extend(from, 0, 0, "");
      String where = "seed " + seed + " round " + round + ": " + wanted + " of " + holders;
      assertThat(found.isPresent()).as(where).isEqualTo(!all.ways.isEmpty());
      assertThat(Cover.missing(holders, wanted).isEmpty()).as(where).isEqualTo(found.isPresent());
      if (found.isPresent()) {
        covered++;
        checkCovers(found.get(), wanted, where);
        assertThat(all.choices(found.get())).as(where).isEqualTo(all.best());
      }
    }
    assertThat(covered).as("covers").isBetween(500, 2900);
  }

  private static void checkCovers(Cover cover, Span wanted, String where) {
    int layer = wanted.begin();
    for (int i = 0; i < cover.members().size(); i++) {
      Member member = cover.members().get(i);
      boolean last = i == cover.members().size() - 1;
      assertThat(member.span().begin()).as(where).isEqualTo(layer);
      assertThat(member.holder().span().contains(member.span())).as(where).isTrue();
      assertThat(member.span().hasHead()).as(where).isEqualTo(last && wanted.hasHead());
      layer = member.span().end();
    }
    assertThat(layer).as(where).isEqualTo(wanted.end());
  }

  /** Goes through every cover. */
  private static final class BruteForce {

    /** A cover's cost, and the servers in order, each with as many layers as possible. */
    private record Way(int hops, int millis, String choices) {}

    private final List<Holder> holders;
    private final int end;
    private final boolean timed;
    private final List<Way> ways = new ArrayList<>();

    BruteForce(List<Holder> holders, Span wanted) {
      this.holders = holders;
      this.end = unit(wanted);
      timed = holders.stream().allMatch(each -> each.load().millisPerLayer().isPresent());
    }

    private static int unit(Span span) {
      return span.end() + (span.hasHead() ? 1 : 0);
    }

    private static String choice(int holder, int to) {
      return " " + holder + ":" + (9 - to);
    }

    void extend(int from, int hops, int millis, String choices) {
      if (from == end) {
        ways.add(new Way(hops, millis, choices));
        return;
      }
      for (int i = 0; i < holders.size(); i++) {
        Span held = holders.get(i).span();
        for (int to = from + 1; held.begin() <= from && to <= Math.min(end, unit(held)); to++) {
          extend(to, hops + 1, millis + cost(i, to - from), choices + choice(i, to));
        }
      }
    }

    /** The smallest choices of those with the fewest hops and at most 2 ms or a tenth too slow. */
    String best() {
      int hops = ways.stream().mapToInt(Way::hops).min().orElseThrow();
      int fastest =
          ways.stream().filter(w -> w.hops == hops).mapToInt(Way::millis).min().orElseThrow();
      return ways.stream()
          .filter(way -> way.hops == hops && way.millis - fastest <= Math.max(2, fastest / 10.0))
          .map(Way::choices)
          .min(String::compareTo)
          .orElseThrow();
    }

    private int cost(int holder, int units) {
      Load load = holders.get(holder).load();
      double layer = timed ? load.millisPerLayer().orElseThrow() : 0;
      return (int) (load.roundTripMillis() + units * layer);
    }

    String choices(Cover cover) {
      StringBuilder choices = new StringBuilder();
      for (Member member : cover.members()) {
        choices.append(choice(holders.indexOf(member.holder()), unit(member.span())));
      }
      return choices.toString();
    }
  }
}
