import '../policy.js';
import { config } from 'zod';
import '@scalar/api-reference/style.css';
import { showReference } from '../configuration.js';

// zod would ask whether the policy allows code in texts, which it does not.
config({ jitless: true });

// The package adds styles when it is loaded, so it is loaded after the policy.
import('@scalar/api-reference').then(({ createApiReference }) => showReference(document.getElementById('reference'), createApiReference));
