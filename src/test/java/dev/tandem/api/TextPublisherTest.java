package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TextPublisherTest {

  private static final class Subscriber implements Flow.Subscriber<String> {
    private final List<String> events = new ArrayList<>();
    private final long onEach;
    private Flow.@Nullable Subscription subscription;

    /**
     * @param atFirst requested at once
     * @param onEach requested again with each piece
     */
    Subscriber(TextPublisher publisher, long atFirst, long onEach) {
      this.onEach = onEach;
      publisher.subscribe(this);
      if (atFirst != 0) {
        request(atFirst);
      }
    }

    void request(long n) {
      Objects.requireNonNull(subscription).request(n);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
    }

    @Override
    public void onNext(String piece) {
      events.add(piece);
      if (onEach > 0) {
        request(onEach);
      }
    }

    @Override
    public void onError(Throwable failure) {
      events.add(String.valueOf(failure.getMessage()));
    }

    @Override
    public void onComplete() {
      events.add("end");
    }
  }

  @Test
  void eachSubscriberGetsEverythingItRequests() {
    TextPublisher publisher = new TextPublisher();
    Subscriber early = new Subscriber(publisher, Long.MAX_VALUE, 0);
    Subscriber slow = new Subscriber(publisher, 1, 0);
    Subscriber oneByOne = new Subscriber(publisher, 1, 1);
    Subscriber silent = new Subscriber(publisher, 0, 0);
    publisher.add("a");
    publisher.add("b");
    Subscriber late = new Subscriber(publisher, 5, 0);
    assertThat(slow.events).containsExactly("a");
    publisher.add("c");
    publisher.end(null);
    assertThat(early.events).containsExactly("a", "b", "c", "end");
    assertThat(oneByOne.events).containsExactly("a", "b", "c", "end");
    assertThat(late.events).containsExactly("a", "b", "c", "end");
    assertThat(silent.events).isEmpty();
    slow.request(1);
    assertThat(slow.events).containsExactly("a", "b");
    slow.request(1);
    assertThat(slow.events).containsExactly("a", "b", "c", "end");
    assertThat(new Subscriber(publisher, 9, 0).events).containsExactly("a", "b", "c", "end");
  }

  @Test
  void failuresFollowTheText() {
    TextPublisher publisher = new TextPublisher();
    publisher.add("a");
    publisher.end(new TandemException("broken", null));
    assertThat(new Subscriber(publisher, 2, 0).events).containsExactly("a", "broken");
    assertThat(new Subscriber(publisher, -1, 0).events)
        .containsExactly("requested must be at least 1, got -1");
  }

  @Test
  void anEmptyTextEndsWithoutARequest() {
    TextPublisher publisher = new TextPublisher();
    publisher.end(null);
    assertThat(new Subscriber(publisher, 0, 0).events).containsExactly("end");
  }

  @Test
  void aCancelledSubscriptionGetsNoMore() {
    TextPublisher publisher = new TextPublisher();
    Subscriber subscriber = new Subscriber(publisher, 9, 0);
    publisher.add("a");
    Objects.requireNonNull(subscriber.subscription).cancel();
    publisher.add("b");
    publisher.end(null);
    assertThat(subscriber.events).containsExactly("a");
  }
}
