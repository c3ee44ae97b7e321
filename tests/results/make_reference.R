# Writes reference_r.json: what base R (package stats alone) says of the samples of reference.json, for test_statistics_r.py.
# Run by hand, after make_reference.py:
#
#     Rscript tests/results/make_reference.R tests/results/reference.json > tests/results/reference_r.json
#
# Numbers have 17 digits, so they are read back as the very same ones.

command <- "Rscript tests/results/make_reference.R tests/results/reference.json > tests/results/reference_r.json"
options(warn = 1)
text <- paste(readLines(commandArgs(trailingOnly = TRUE)[1], warn = FALSE), collapse = " ")

# --- JSON, which base R has not ---

samples <- function(key) {
  found <- regmatches(text, gregexpr(paste0('"', key, '": \\[[^]]*\\]'), text))[[1]]
  lapply(found, function(one) as.numeric(strsplit(gsub("[^0-9eE.,+-]", "", sub("^[^:]*:", "", one)), ",")[[1]]))
}
number <- function(x) ifelse(is.na(x), "null", sprintf("%.17g", x))
numbers <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
list_of <- function(parts) paste0("[\n  ", paste(parts, collapse = ",\n  "), "\n ]")
object <- function(parts) paste0("{", paste0('"', names(parts), '": ', parts, collapse = ", "), "}")

# --- permutation tests by hand; sums within rounding of the observed one count as it ---

sign_flips <- function(d) {
  signs <- as.matrix(expand.grid(rep(list(c(1, -1)), length(d))))
  mean(abs(signs %*% d) >= abs(sum(d)) - 1e-12 * sum(abs(d)))
}
splits <- function(a, b) {
  all <- c(a, b) - mean(c(a, b))
  sums <- combn(length(all), length(a), function(i) sum(all[i]))
  mean(abs(sums) >= abs(sum(all[seq_along(a)])) - 1e-12 * sum(abs(all)) - 1e-15 * length(all) * max(abs(c(a, b))))
}

two <- function(a, b) {
  one <- t.test(a)
  welch <- t.test(b, a)
  found <- list(
    a = numbers(a), b = numbers(b), mean = number(mean(a)), sd = number(sd(a)), interval = numbers(one$conf.int),
    welch = numbers(c(welch$p.value, welch$conf.int, welch$parameter))
  )
  if (length(a) == length(b)) {
    paired <- t.test(b, a, paired = TRUE)
    found$paired <- numbers(c(paired$p.value, paired$conf.int))
    if (length(a) %in% c(6, 10)) {
      found$sign_flips <- number(sign_flips(b - a))
      found$signed_rank <- number(wilcox.test(b, a, paired = TRUE, exact = TRUE)$p.value)
    }
  }
  if (length(a) + length(b) <= 16 && length(a) + length(b) >= 8) {
    found$splits <- number(splits(a, b))
    found$rank_sum <- number(wilcox.test(b, a, exact = TRUE)$p.value)
  }
  object(found)
}

# R's own default (strict = FALSE) leaves out that a test may find the difference on the wrong side: ours, and scipy's, counts it
power <- function(size, n, type) {
  ask <- function(strict) power.t.test(n = n, delta = size, sd = 1, type = type, strict = strict)$power
  numbers(c(size, n, type == "paired", ask(TRUE), ask(FALSE)))
}
seeds <- function(effect, sd, type) {
  numbers(c(effect, sd, type == "paired",
            power.t.test(delta = effect, sd = sd, power = 0.8, type = type, strict = TRUE, tol = 1e-10)$n))
}
groups <- function(means, n) {
  values <- lapply(seq_along(means), function(i) means[i] + i * qnorm(((seq_len(n) * 7 + i * 3) %% 23 + 0.5) / 23))
  long <- data.frame(y = unlist(values), g = factor(rep(seq_along(values), each = n)))
  welch <- oneway.test(y ~ g, long)$p.value
  fisher <- oneway.test(y ~ g, long, var.equal = TRUE)$p.value
  paste0("[[", paste(sapply(values, numbers), collapse = ", "), "], ", number(welch), ", ", number(fisher), "]")
}
grid <- function(f, ...) list_of(apply(expand.grid(...), 1, function(row) numbers(f(unname(row)))))

ps <- list(c(0.04, 0.001, 0.03, 0.2, 0.03, 0.9), c(0.05, 0.05, 0.05), 0.5, c(1e-12, 0.6, 0.7, 0.8))
cat("{\n ", paste(c(
  paste0('"made": {"R": "', R.version.string, '", "packages": "stats", "command": "', command, '"}'),
  paste0('"t_critical": ', grid(function(r) c(r, qt(r[2] / 2, r[1], lower.tail = FALSE)),
                                c(1, 2, 2.5, 3.3, 4, 9, 18, 30, 200), c(0.05, 0.01, 1e-6))),
  paste0('"t_tails": ', grid(function(r) c(r, 2 * pt(r[1], r[2], lower.tail = FALSE)),
                             c(0.1, 1, 3, 12.7, 300), c(1, 2, 3.7, 9, 100))),
  paste0('"f_tail": ', grid(function(r) c(r, pf(r[1], r[2], r[3], lower.tail = FALSE)),
                            c(0.1, 1, 4, 90), c(1, 2, 7), c(2, 5.5, 40))),
  paste0('"power": ', list_of(unlist(lapply(c("paired", "two.sample"), function(type)
    lapply(c(3, 5, 10, 40), function(n) lapply(c(0.1, 0.5, 1, 2.5), power, n = n, type = type)))))),
  # Welch's degrees of freedom are no whole numbers: power straight from the noncentral t
  paste0('"power_t": ', grid(function(r) {
    edge <- qt(0.975, r[2])
    c(r, pt(edge, r[2], r[1], lower.tail = FALSE) + pt(-edge, r[2], r[1]))
  }, c(0.5, 2, 3.5, 6), c(2.0001, 2.7, 4.4, 7.93, 12.5, 33.3))),
  paste0('"seeds": ', list_of(unlist(lapply(c("paired", "two.sample"), function(type)
    c(seeds(0.01, 0.01, type), seeds(0.004, 0.01, type), seeds(0.02, 0.05, type)))))),
  paste0('"holm": ', list_of(sapply(ps, function(p) paste0("[", numbers(p), ", ", numbers(p.adjust(p, "holm")), "]")))),
  paste0('"anova": ', list_of(c(groups(c(0, 0.5), 3), groups(c(0, 1, 2, 4), 3), groups(c(0, 0.4, 0.8, 1.2, 1.6), 8)))),
  paste0('"two": ', list_of(mapply(two, samples("a"), samples("b"))))
), collapse = ",\n "), "\n}\n", sep = "")
