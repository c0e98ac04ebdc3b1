package dev.tandem.api;

import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.ModelRuntime;
import dev.tandem.settings.Note;
import dev.tandem.settings.Reply;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A model whose generations run side by side, each on a thread of its own with buffers of its own.
 * Their steps meet in the scheduler of the layers here, and in the server's.
 */
class ServedModel implements TextModel {
  private final ModelInfo info;
  private final List<Note> notes;
  private final ModelRuntime runtime;
  private final GenerationThreads threads = new GenerationThreads();

  // Guarded by this.
  private final Map<Reply, Deque<Generator>> idle = new EnumMap<>(Reply.class);
  private final Set<ServedConversation> conversations = new HashSet<>();
  private boolean closed;

  /**
   * @param runtime closed with this, and its files after it
   */
  ServedModel(ModelRuntime runtime) {
    this.runtime = runtime;
    Checkpoint files = runtime.checkpoint();
    info = ModelInfo.of(files);
    notes = Stream.concat(files.notes().stream(), runtime.notes().stream().map(Note::new)).toList();
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public Tokenizer tokenizer() {
    return runtime.tokenizer();
  }

  @Override
  public boolean exact() {
    return runtime.exact();
  }

  @Override
  public List<Note> notes() {
    return notes;
  }

  ModelRuntime runtime() {
    return runtime;
  }

  @Override
  public Generation start(GenerationRequest request, GenerationListener listener) {
    return start(new WholeText(request.withSeed()), listener);
  }

  @Override
  public synchronized Conversation conversation() {
    checkOpen();
    ServedConversation conversation = new ServedConversation(this);
    conversations.add(conversation);
    return conversation;
  }

  /**
   * Runs work on a generation's thread.
   *
   * @throws IllegalStateException if the model is closed
   */
  RunningGeneration start(RunningGeneration.Work work, GenerationListener listener) {
    synchronized (this) {
      checkOpen();
    }
    RunningGeneration generation =
        new RunningGeneration(work, listener, runtime.traffic().isPresent());
    threads.start(generation);
    return generation;
  }

  /**
   * A generator that one user has until {@link #release}.
   *
   * @param reply the reply that it asks its last stage for
   */
  record Lease(Generator generator, Reply reply) {}

  /** A generator for requests like this one. */
  Lease acquire(GenerationRequest request) throws IOException {
    Reply reply = runtime.replyFor(request);
    synchronized (this) {
      checkOpen();
      Deque<Generator> fitting = idle.get(reply);
      if (fitting != null && !fitting.isEmpty()) {
        return new Lease(fitting.pop(), reply);
      }
    }
    return new Lease(runtime.newGenerator(reply), reply);
  }

  synchronized void release(Lease lease) {
    if (!closed) {
      idle.computeIfAbsent(lease.reply(), reply -> new ArrayDeque<>()).push(lease.generator());
    }
  }

  synchronized void forget(ServedConversation conversation) {
    conversations.remove(conversation);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the model is closed");
    }
  }

  @Override
  public void close() {
    List<ServedConversation> open;
    synchronized (this) {
      closed = true;
      idle.clear();
      open = List.copyOf(conversations);
    }
    open.forEach(ServedConversation::close);
    threads.close();
    runtime.close();
    Failures.close(runtime.checkpoint());
  }

  /** A request in a sequence of its own. */
  private final class WholeText implements RunningGeneration.Work {
    private final GenerationRequest request;

    // Guarded by this.
    private @Nullable Generator generator;
    private @Nullable Thread thread;

    WholeText(GenerationRequest request) {
      this.request = request;
    }

    @Override
    public GenerationResult run(TokenSink sink, BooleanSupplier cancelled)
        throws IOException, GenerationException {
      Lease acquired = acquire(request);
      use(acquired.generator());
      try {
        return acquired.generator().run(request, sink, cancelled);
      } finally {
        use(null);
        release(acquired);
      }
    }

    private synchronized void use(@Nullable Generator used) {
      generator = used;
      thread = used == null ? null : Thread.currentThread();
    }

    @Override
    public synchronized void abort() {
      if (generator != null) {
        generator.abort();
      }
      if (thread != null) {
        thread.interrupt(); // it may be waiting for a server that does not answer
      }
    }
  }
}
