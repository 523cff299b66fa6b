/* Threads that share the parts of a call.

   The calling thread does parts, too, and all that no other thread has begun: so it waits
   for none that does not run. A thread without work looks for some for a while, since the
   next call comes soon, and then sleeps. While one call has them, another one does all
   of its parts itself. A call of n parts has n - 1 helpers, the first ones; the others
   sleep on. */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

typedef void (*Task)(void *context, integer part);

/* Waking a thread takes 50 microseconds; between two calls of a network there are up to
   some hundred. */
#define NANOSECONDS_AWAKE 500000
#define LOOKS_PER_TIME 64

#define MOST_HELPERS 255

static struct {
  pthread_mutex_t taken; /* by the call whose parts these are */
  pthread_mutex_t bed;   /* for sleeping */
  struct {
    pthread_cond_t wake;
    int is_asleep;
  } helpers[MOST_HELPERS];
  integer n_helpers, n_done, n_helped;
  uint64_t ticket; /* the number of the call, that of its parts, that of the next one */
  Task task;
  void *context;
  unsigned modes; /* of floating point arithmetic: those of the calling thread */
} team = {.taken = PTHREAD_MUTEX_INITIALIZER, .bed = PTHREAD_MUTEX_INITIALIZER};

/* How many parts helpers have done so far. */
int64_t parts_of_helpers(void) {
  return __atomic_load_n(&team.n_helped, __ATOMIC_RELAXED);
}

#define PART_BITS 16
#define MOST_PARTS (((integer)1 << PART_BITS) - 1)

static integer part_of(uint64_t ticket) { return ticket & MOST_PARTS; }

static integer parts_of(uint64_t ticket) { return ticket >> PART_BITS & MOST_PARTS; }

static int is_open(uint64_t ticket) { return part_of(ticket) < parts_of(ticket); }

/* Take the next part, if one is left; -1 if not. Who has its number knows that the call
   waits, so task and context are those of this call. */
static integer next_part(uint64_t ticket) {
  do {
    if (!is_open(ticket)) return -1;
  } while (!__atomic_compare_exchange_n(&team.ticket, &ticket, ticket + 1, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  return part_of(ticket);
}

static uint64_t current_ticket(void) {
  return __atomic_load_n(&team.ticket, __ATOMIC_SEQ_CST);
}

static void do_part(integer part) {
  team.task(team.context, part);
  __atomic_fetch_add(&team.n_done, 1, __ATOMIC_RELEASE);
}

/* Whether there is work for this helper. */
static int is_for(integer helper, uint64_t ticket) {
  return is_open(ticket) && helper + 1 < parts_of(ticket);
}

static int help_once(integer helper) {
  uint64_t ticket = current_ticket();
  integer part = is_for(helper, ticket) ? next_part(ticket) : -1;
  if (part < 0) return 0;
  _mm_setcsr(team.modes);
  __atomic_fetch_add(&team.n_helped, 1, __ATOMIC_RELAXED);
  do_part(part);
  return 1;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_until_work(integer helper) {
  pthread_mutex_lock(&team.bed);
  __atomic_store_n(&team.helpers[helper].is_asleep, 1, __ATOMIC_SEQ_CST);
  while (!is_for(helper, current_ticket()))
    pthread_cond_wait(&team.helpers[helper].wake, &team.bed);
  __atomic_store_n(&team.helpers[helper].is_asleep, 0, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&team.bed);
}

static void wake_up(integer helper) {
  if (!__atomic_load_n(&team.helpers[helper].is_asleep, __ATOMIC_SEQ_CST)) return;
  pthread_mutex_lock(&team.bed);
  pthread_cond_signal(&team.helpers[helper].wake);
  pthread_mutex_unlock(&team.bed);
}

static void *help(void *number) {
  integer helper = (integer)(intptr_t)number;
  int64_t last = nanoseconds();
  for (integer looks = 1;; looks++) {
    if (help_once(helper)) {
      last = nanoseconds(), looks = 0;
    } else if (looks % LOOKS_PER_TIME) {
      _mm_pause();
    } else if (nanoseconds() - last < NANOSECONDS_AWAKE) {
      sched_yield(); /* to who has work */
    } else {
      sleep_until_work(helper);
      last = nanoseconds();
    }
  }
  return 0;
}

/* A forked process has none of the threads, and no call under way. */
static void start_afresh(void) {
  pthread_mutex_init(&team.taken, 0);
  pthread_mutex_init(&team.bed, 0);
  team.n_helpers = team.n_done = 0;
  team.ticket = 0;
}

static int add_helper(integer helper) {
  pthread_t thread;
  team.helpers[helper].is_asleep = 0;
  pthread_cond_init(&team.helpers[helper].wake, 0);
  if (pthread_create(&thread, 0, help, (void *)(intptr_t)helper)) return 0;
  return !pthread_detach(thread);
}

/* Have so many helpers; with fewer, if the system has no more, the others do the work. */
static void grow_team(integer n) {
  static int is_registered = 0;
  if (team.n_helpers >= n) return;
  if (!is_registered) is_registered = pthread_atfork(0, 0, start_afresh) == 0;
  sigset_t all, before;
  sigfillset(&all); /* signals are for the threads of the program */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (is_registered && team.n_helpers < n && add_helper(team.n_helpers))
    team.n_helpers++;
  pthread_sigmask(SIG_SETMASK, &before, 0);
}

/* Call task(context, part) for all parts, each once, and return when all are done. */
static void do_parts(Task task, void *context, integer n_parts) {
  if (n_parts < 2 || n_parts > MOST_PARTS || pthread_mutex_trylock(&team.taken)) {
    for (integer part = 0; part < n_parts; part++) task(context, part);
    return;
  }
  integer n_helpers = n_parts <= MOST_HELPERS ? n_parts - 1 : MOST_HELPERS, part;
  grow_team(n_helpers);
  team.task = task, team.context = context, team.modes = _mm_getcsr();
  __atomic_store_n(&team.n_done, 0, __ATOMIC_RELAXED);
  uint64_t call = (current_ticket() >> 2 * PART_BITS) + 1, n = n_parts;
  __atomic_store_n(&team.ticket, (call << PART_BITS | n) << PART_BITS, __ATOMIC_SEQ_CST);
  for (integer i = 0; i < n_helpers && i < team.n_helpers; i++) wake_up(i);
  while ((part = next_part(current_ticket())) >= 0) do_part(part);
  for (integer looks = 1; __atomic_load_n(&team.n_done, __ATOMIC_ACQUIRE) < n_parts;
       looks++)
    if (looks % (LOOKS_PER_TIME * LOOKS_PER_TIME)) _mm_pause(); else sched_yield();
  pthread_mutex_unlock(&team.taken);
}
