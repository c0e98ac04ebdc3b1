package dev.tandem.api;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Gives each subscriber all pieces of one text, those from before its subscription included. */
final class TextPublisher implements Flow.Publisher<String> {
  // Guarded by this.
  private final List<String> pieces = new ArrayList<>();
  private final List<Subscription> subscriptions = new ArrayList<>();
  private boolean ended;
  private @Nullable Throwable failure;

  /** Adds a piece. */
  void add(String piece) {
    List<Subscription> now;
    synchronized (this) {
      pieces.add(piece);
      now = List.copyOf(subscriptions);
    }
    now.forEach(Subscription::deliver);
  }

  /** Says that no more pieces come. */
  void end(@Nullable Throwable cause) {
    List<Subscription> now;
    synchronized (this) {
      ended = true;
      failure = cause;
      now = List.copyOf(subscriptions);
    }
    now.forEach(Subscription::deliver);
  }

  @Override
  public void subscribe(Flow.Subscriber<? super String> subscriber) {
    Subscription subscription = new Subscription(subscriber);
    synchronized (this) {
      subscriptions.add(subscription);
    }
    subscriber.onSubscribe(subscription);
    subscription.begin();
  }

  private synchronized @Nullable String piece(int index) {
    return index < pieces.size() ? pieces.get(index) : null;
  }

  private synchronized boolean endsAt(int index) {
    return ended && index == pieces.size();
  }

  private synchronized @Nullable Throwable failure() {
    return failure;
  }

  private synchronized void remove(Subscription subscription) {
    subscriptions.remove(subscription);
  }

  /** One subscriber's place in the text. */
  private final class Subscription implements Flow.Subscription {
    private final Flow.Subscriber<? super String> subscriber;

    // Guarded by this.
    private boolean begun; // onSubscribe has returned
    private long requested;
    private boolean delivering;
    private boolean again; // something changed while another thread delivers
    private boolean over;
    private @Nullable Throwable misuse;

    private int next; // of the delivering thread

    Subscription(Flow.Subscriber<? super String> subscriber) {
      this.subscriber = subscriber;
    }

    void begin() {
      synchronized (this) {
        begun = true;
      }
      deliver();
    }

    @Override
    public void request(long n) {
      synchronized (this) {
        if (n <= 0) {
          misuse = new IllegalArgumentException("requested must be at least 1, got " + n);
        } else {
          requested = requested > Long.MAX_VALUE - n ? Long.MAX_VALUE : requested + n;
        }
      }
      deliver();
    }

    @Override
    public void cancel() {
      synchronized (this) {
        over = true;
      }
      remove(this);
    }

    /** Delivers what can be delivered, unless another thread is at it, which then goes on. */
    void deliver() {
      synchronized (this) {
        again = true;
        if (delivering || !begun) {
          return;
        }
        delivering = true;
      }
      while (takeTurn()) {
        deliverNow();
      }
    }

    private synchronized boolean takeTurn() {
      boolean goesOn = again && !over;
      again = false;
      delivering = goesOn;
      return goesOn;
    }

    private void deliverNow() {
      while (true) {
        Throwable wrong;
        boolean allowed;
        synchronized (this) {
          if (over) {
            return;
          }
          wrong = misuse;
          allowed = requested > 0;
        }
        if (wrong != null || endsAt(next)) {
          cancel();
          finish(wrong != null ? wrong : failure());
          return;
        }
        String piece = allowed ? piece(next) : null;
        if (piece == null) {
          return;
        }
        next++;
        synchronized (this) {
          requested -= requested == Long.MAX_VALUE ? 0 : 1;
        }
        subscriber.onNext(piece);
      }
    }

    private void finish(@Nullable Throwable cause) {
      if (cause == null) {
        subscriber.onComplete();
      } else {
        subscriber.onError(cause);
      }
    }
  }
}
