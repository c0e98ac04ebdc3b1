package dev.tandem.runtime;

import dev.tandem.protocol.FrameHeader;
import dev.tandem.runtime.SplitTimes.Sizes;
import dev.tandem.settings.Reply;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures what the parts of a split model take: on this machine, on the way, and on the servers.
 * It takes real steps at the pace of a generation, because a machine that rests while it waits can
 * be faster than one that never does.
 */
final class SplitMeasurement {
  private static final int MIN_STEPS = 3;
  private static final int MAX_STEPS = 50;

  /** A mean is one of at least so many milliseconds, or of {@link #MAX_STEPS} steps. */
  private static final double MIN_MILLIS = 300;

  /** Rows of the longer steps, from which the time of a byte follows. */
  private static final int MANY_ROWS = 16;

  /** Opens stages. */
  @FunctionalInterface
  interface Stages {

    /** The stages that compute a span one after another; they need no closing. */
    List<? extends Stage> open(Span span) throws IOException;
  }

  private final Sizes sizes;
  private final Stages there;
  private final Stages here;

  /**
   * A measurement.
   *
   * @param there opens stages on servers, those with the head as ones that give the best logits
   * @param here opens stages in this process
   */
  SplitMeasurement(Sizes sizes, Stages there, Stages here) {
    this.sizes = sizes;
    this.there = there;
    this.here = here;
  }

  /**
   * Takes the steps: about 15 round trips, and 0.3 s of computing here.
   *
   * @throws IOException if a server cannot be reached or refuses
   */
  SplitTimes measure() throws IOException {
    boolean headHere = sizes.replies().contains(Reply.HIDDEN);
    Span head = Span.head(sizes.nLayers());
    double roundTrip = millis(there, Span.layers(sizes.nLayers(), sizes.nLayers()), 1);
    double perByte = perByte(roundTrip);
    Pace pace = pace(headHere);
    int served = sizes.nLayers() - sizes.minHere();
    double layersHere = sizes.maxHere() == 0 ? 0 : millis(here, Span.layers(0, sizes.maxHere()), 1);
    return new SplitTimes(
        sizes,
        pace.hops * roundTrip,
        perByte,
        layersHere / Math.max(1, sizes.maxHere()),
        Math.max(0, pace.served - pace.hops * roundTrip) / Math.max(1, served),
        pace.headHere,
        headThere(roundTrip, perByte),
        headHere && sizes.maxHere() == sizes.nLayers()
            ? layersHere + millis(here, head, 1)
            : Double.POSITIVE_INFINITY);
  }

  /** Rows travel both ways: a server without layers of its own sends back what it got. */
  private double perByte(double roundTrip) throws IOException {
    double many = millis(there, Span.layers(sizes.nLayers(), sizes.nLayers()), MANY_ROWS);
    long more =
        FrameHeader.messageBytes(sizes.wire(), MANY_ROWS, sizes.dModel())
            - FrameHeader.messageBytes(sizes.wire(), 1, sizes.dModel());
    return Math.max(0, many - roundTrip) / (2 * more);
  }

  private double headThere(double roundTrip, double perByte) throws IOException {
    if (!sizes.replies().contains(Reply.TOPK)) {
      return Double.POSITIVE_INFINITY;
    }
    long fewer = sizes.replyBytes(Reply.HIDDEN) - sizes.replyBytes(Reply.TOPK);
    double step = millis(there, Span.head(sizes.nLayers()), 1);
    return Math.max(0, step - Math.max(0, roundTrip - perByte * fewer));
  }

  /**
   * The times of a generation's steps.
   *
   * @param hops servers one after another
   * @param served milliseconds of all of them, round trips included
   * @param headHere milliseconds of the head here; infinite without one
   */
  private record Pace(int hops, double served, double headHere) {}

  /** A step on the servers and then the head here, in turn. */
  private Pace pace(boolean headHere) throws IOException {
    try (Timers served = timers(there, Span.layers(sizes.minHere(), sizes.nLayers()), 1);
        Timers head = headHere ? timers(here, Span.head(sizes.nLayers()), 1) : new Timers()) {
      while (served.isRunning()) {
        served.step();
        head.step();
      }
      return new Pace(
          served.size(),
          served.meanMillis(),
          headHere ? head.meanMillis() : Double.POSITIVE_INFINITY);
    }
  }

  private static double millis(Stages stages, Span span, int rows) throws IOException {
    try (Timers timers = timers(stages, span, rows)) {
      while (timers.isRunning()) {
        timers.step();
      }
      return timers.meanMillis();
    }
  }

  private static Timers timers(Stages stages, Span span, int rows) throws IOException {
    Timers timers = new Timers();
    boolean ready = false;
    try {
      for (Stage stage : stages.open(span)) {
        timers.timed.add(new StageTimer(stage, rows));
      }
      ready = true;
      return timers;
    } finally {
      if (!ready) {
        timers.close();
      }
    }
  }

  /** Stages that take their steps one after another. */
  private static final class Timers implements AutoCloseable {
    private final List<StageTimer> timed = new ArrayList<>();
    private int steps;

    int size() {
      return timed.size();
    }

    void step() throws IOException {
      steps++;
      for (StageTimer timer : timed) {
        timer.step();
      }
    }

    double meanMillis() {
      return timed.stream().mapToDouble(StageTimer::meanMillis).sum();
    }

    boolean isRunning() {
      return steps < MIN_STEPS || (steps < MAX_STEPS && steps * meanMillis() < MIN_MILLIS);
    }

    @Override
    public void close() {
      timed.forEach(StageTimer::close);
    }
  }
}
