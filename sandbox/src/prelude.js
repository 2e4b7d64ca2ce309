// SPDX-License-Identifier: Apache-2.0
// The entry of the prelude: makes the object that the worker calls (src/js/worker.h).
import './engine.js';
import { createRunner } from './script.js';

export default function (host, global) {
    return createRunner(host, global);
}
