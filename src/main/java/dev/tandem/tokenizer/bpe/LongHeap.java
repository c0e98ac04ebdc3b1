package dev.tandem.tokenizer.bpe;

import java.util.Arrays;

/** A binary heap of longs, the least first. */
final class LongHeap {
  private long[] heap;
  private int size;

  LongHeap(int capacity) {
    heap = new long[Math.max(capacity, 16)];
  }

  boolean isEmpty() {
    return size == 0;
  }

  void add(long value) {
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, size + (size >> 1));
    }
    int hole = size++;
    while (hole > 0) {
      int parent = (hole - 1) >>> 1;
      if (heap[parent] <= value) {
        break;
      }
      heap[hole] = heap[parent];
      hole = parent;
    }
    heap[hole] = value;
  }

  /** Removes the least value; the heap is not empty. */
  long poll() {
    long least = heap[0];
    long last = heap[--size];
    int hole = 0;
    int child;
    while ((child = 2 * hole + 1) < size) {
      if (child + 1 < size && heap[child + 1] < heap[child]) {
        child++;
      }
      if (last <= heap[child]) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = last;
    return least;
  }
}
