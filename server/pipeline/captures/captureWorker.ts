import { answering } from '../../host/sideBySide.js';
import { answerFor, type Item } from './answer.js';

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && 'capture' in value && 'options' in value;
}

answering(isItem, (item) => answerFor(item));
