;;; ail.el --- Ask git history why code is as it is  -*- lexical-binding: t -*-

;; Emacs 26 or newer.  (load "…/editors/emacs/ail.el"), then M-x ail-why on a line or a region.

;;; Commentary:

;; The citations come in a buffer of `compilation-mode': `next-error' goes from one to the next, RET goes to its line.
;; Lines are those of the file on the disk: save first.  Emacs does not wait for the answer.

;;; Code:

(require 'compile)

(defun ail--target ()
  "Return FILE:FIRST-LAST for the region, or the line at point."
  (let ((first (line-number-at-pos (if (use-region-p) (region-beginning) (point)) t))
        (last (line-number-at-pos (if (use-region-p) (max (region-beginning) (1- (region-end))) (point)) t)))
    (format "./%s:%d-%d" (file-name-nondirectory (buffer-file-name)) first last)))

;;;###autoload
(defun ail-why (question)
  "Ask the history of this file's repository QUESTION about the region or the line at point."
  (interactive (list (read-string "Why (why is this so?): " nil nil "why is this so?")))
  (unless (buffer-file-name)
    (user-error "This buffer shows no file"))
  (let ((default-directory (file-name-directory (buffer-file-name)))
        (compilation-buffer-name-function (lambda (_mode) "*ail*"))
        (arguments (list "ail-client" "ask" "--format" "grep" "--" (ail--target) question)))
    (compilation-start (mapconcat #'shell-quote-argument arguments " "))))

(provide 'ail)
;;; ail.el ends here
