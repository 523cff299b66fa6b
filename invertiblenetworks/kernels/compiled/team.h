/* Threads that share the parts of a call.

   The calling thread does parts, too, and all that no other thread has begun: so it waits
   for none that does not run. A thread without work looks for some for a while, since the
   next call comes soon, and then sleeps. While one call has them, another one does all
   of its parts itself. */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

typedef void (*Task)(void *context, integer part);

/* Waking a thread takes 50 microseconds; between two calls of a network there are up to
   some hundred. */
#define NANOSECONDS_AWAKE 500000
#define LOOKS_PER_TIME 64

static struct {
  pthread_mutex_t taken; /* by the call whose parts these are */
  pthread_mutex_t bed;   /* for sleeping */
  pthread_cond_t wake;
  integer n_helpers, n_asleep, n_done;
  uint64_t ticket; /* the number of the call, that of its parts, that of the next one */
  Task task;
  void *context;
} team = {.taken = PTHREAD_MUTEX_INITIALIZER,
          .bed = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER};

#define PART_BITS 16
#define MOST_PARTS (((integer)1 << PART_BITS) - 1)

static integer part_of(uint64_t ticket) { return ticket & MOST_PARTS; }

static integer parts_of(uint64_t ticket) { return ticket >> PART_BITS & MOST_PARTS; }

static int is_open(uint64_t ticket) { return part_of(ticket) < parts_of(ticket); }

/* Do the next part, if one is left. Who has its number knows that the call waits. */
static int do_next_part(void) {
  uint64_t ticket = __atomic_load_n(&team.ticket, __ATOMIC_ACQUIRE);
  do {
    if (!is_open(ticket)) return 0;
  } while (!__atomic_compare_exchange_n(&team.ticket, &ticket, ticket + 1, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  team.task(team.context, part_of(ticket));
  __atomic_fetch_add(&team.n_done, 1, __ATOMIC_RELEASE);
  return 1;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_until_work(void) {
  pthread_mutex_lock(&team.bed);
  __atomic_fetch_add(&team.n_asleep, 1, __ATOMIC_SEQ_CST);
  while (!is_open(__atomic_load_n(&team.ticket, __ATOMIC_SEQ_CST)))
    pthread_cond_wait(&team.wake, &team.bed);
  __atomic_fetch_sub(&team.n_asleep, 1, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&team.bed);
}

static void *help(void *nothing) {
  int64_t last = nanoseconds();
  for (integer looks = 1;; looks++) {
    if (do_next_part()) {
      last = nanoseconds(), looks = 0;
    } else if (looks % LOOKS_PER_TIME) {
      _mm_pause();
    } else if (nanoseconds() - last < NANOSECONDS_AWAKE) {
      sched_yield(); /* to who has work */
    } else {
      sleep_until_work();
      last = nanoseconds();
    }
  }
  return nothing;
}

/* A forked process has none of the threads, and no call under way. */
static void start_afresh(void) {
  pthread_mutex_init(&team.taken, 0);
  pthread_mutex_init(&team.bed, 0);
  pthread_cond_init(&team.wake, 0);
  team.n_helpers = team.n_asleep = team.n_done = 0;
  team.ticket = 0;
}

/* Have so many helpers; with fewer, if the system has no more, the others do the work. */
static void grow_team(integer n) {
  static int is_registered = 0;
  if (team.n_helpers >= n) return;
  if (!is_registered) is_registered = pthread_atfork(0, 0, start_afresh) == 0;
  sigset_t all, before;
  sigfillset(&all); /* signals are for the threads of the program */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  while (is_registered && team.n_helpers < n && !pthread_create(&thread, 0, help, 0)) {
    pthread_detach(thread);
    team.n_helpers++;
  }
  pthread_sigmask(SIG_SETMASK, &before, 0);
}

/* Call task(context, part) for all parts, each once, and return when all are done. */
static void do_parts(Task task, void *context, integer n_parts) {
  if (n_parts < 2 || n_parts > MOST_PARTS || pthread_mutex_trylock(&team.taken)) {
    for (integer part = 0; part < n_parts; part++) task(context, part);
    return;
  }
  grow_team(n_parts - 1);
  team.task = task, team.context = context;
  __atomic_store_n(&team.n_done, 0, __ATOMIC_RELAXED);
  uint64_t before = __atomic_load_n(&team.ticket, __ATOMIC_RELAXED);
  uint64_t call = (before >> 2 * PART_BITS) + 1, n = n_parts;
  __atomic_store_n(&team.ticket, (call << PART_BITS | n) << PART_BITS, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&team.n_asleep, __ATOMIC_SEQ_CST)) {
    pthread_mutex_lock(&team.bed);
    pthread_cond_broadcast(&team.wake);
    pthread_mutex_unlock(&team.bed);
  }
  while (do_next_part()) {}
  for (integer looks = 1; __atomic_load_n(&team.n_done, __ATOMIC_ACQUIRE) < n_parts;
       looks++)
    if (looks % (LOOKS_PER_TIME * LOOKS_PER_TIME)) _mm_pause(); else sched_yield();
  pthread_mutex_unlock(&team.taken);
}
